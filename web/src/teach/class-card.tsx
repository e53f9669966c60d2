// A class: its name, its pictures, and the ways to more of them.
import { useEffect, useRef, useState } from "preact/hooks";
import { chosenFiles, droppedFiles } from "../incoming-files.ts";
import { report } from "../state/notices.ts";
import { Button, FileButton, IconButton } from "../ui/controls.tsx";
import { film } from "./camera-view.tsx";
import { keepPictures, picturesByClass, removeClass, removePictures, renameClass, takeFiles } from "./collection.ts";
import { type PreparedPicture, pictureOfFrame } from "./intake.ts";
import type { StoredClass } from "./store/store.ts";
import { Thumbnail } from "./thumbnail.tsx";

/** Pictures that are shown at first, the newest. */
const SHOWN = 24;

export function ClassCard({ one }: { readonly one: StoredClass }) {
  const own = picturesByClass.value.get(one.id) ?? [];
  const [shown, setShown] = useState(SHOWN);
  const [isAsked, setAsked] = useState(false);
  const [isOver, setOver] = useState(false);
  const newest = own.slice(-shown).reverse();
  const drop = (event: DragEvent) => {
    event.preventDefault();
    event.stopPropagation();
    setOver(false);
    if (event.dataTransfer !== null)
      droppedFiles(event.dataTransfer)
        .then((files) => takeFiles(files, one.id))
        .catch(report);
  };
  return (
    <section
      class={isOver ? "card class-card drop-target" : "card class-card"}
      aria-label={`Class ${one.name}`}
      onDragOver={(event) => {
        event.preventDefault();
        event.stopPropagation();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <header class="card-header">
        <input
          class="text-field class-name"
          aria-label="Name of the class"
          value={one.name}
          maxLength={200}
          onChange={({ currentTarget }) => {
            renameClass(one.id, currentTarget.value)
              .catch(report)
              .finally(() => {
                currentTarget.value = one.name;
              });
          }}
        />
        <span class="number soft">{own.length}</span>
        <IconButton
          icon="trash"
          label={`Delete the class ${one.name}`}
          onClick={() => setAsked(own.length > 0 || remove(one))}
        />
      </header>
      {isAsked && (
        <p class="row" role="alertdialog" aria-label={`Delete ${one.name}?`}>
          <span>
            Delete “{one.name}” with its {own.length} pictures?
          </span>
          <Button kind="primary" onClick={() => remove(one)}>
            Delete
          </Button>
          <Button onClick={() => setAsked(false)}>Keep</Button>
        </p>
      )}
      <div class="row">
        <RecordButton classId={one.id} name={one.name} />
        <FileButton icon="picture" accept="image/*" multiple onFiles={(files) => void takeFiles(files, one.id)}>
          Add pictures
        </FileButton>
      </div>
      {newest.length > 0 && (
        <ul class="thumbnails">
          {newest.map(({ hash, name }) => (
            <li key={hash}>
              <Thumbnail hash={hash} name={name} />
              <IconButton
                icon="close"
                label={`Remove ${name}`}
                onClick={() => void removePictures([hash]).catch(report)}
              />
            </li>
          ))}
        </ul>
      )}
      {own.length > shown && (
        <Button kind="quiet" onClick={() => setShown(shown + 10 * SHOWN)}>
          Show more ({own.length - shown})
        </Button>
      )}
    </section>
  );
}

function remove({ id }: StoredClass): boolean {
  void removeClass(id).catch(report);
  return false;
}

/** Frames a second. More are nearly the same. */
const RATE = 8;
/** Frames written at once. */
const CHUNK = 8;

/** Takes frames while it is held: with the pointer, or with the space bar or Enter. */
function RecordButton({ classId, name }: { readonly classId: string; readonly name: string }) {
  const [count, setCount] = useState<number>();
  const recording = useRef<AbortController | undefined>(undefined);
  const stop = () => recording.current?.abort();
  useEffect(() => stop, []);
  const start = () => {
    const video = film.value;
    if (video === undefined || recording.current !== undefined) return;
    const stopping = new AbortController();
    recording.current = stopping;
    setCount(0);
    record(video, classId, stopping.signal, setCount)
      .catch(report)
      .finally(() => {
        recording.current = undefined;
        setCount(undefined);
      });
  };
  const isKey = (event: KeyboardEvent) => event.key === " " || event.key === "Enter";
  return (
    <button
      type="button"
      class={count === undefined ? "button primary" : "button primary is-recording"}
      disabled={film.value === undefined}
      aria-label={`Hold to record ${name}`}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        start();
      }}
      onPointerUp={stop}
      onPointerCancel={stop}
      onKeyDown={(event) => {
        if (!isKey(event)) return;
        event.preventDefault();
        if (!event.repeat) start();
      }}
      onKeyUp={(event) => isKey(event) && stop()}
      onBlur={stop}
      onContextMenu={(event) => event.preventDefault()}
    >
      {count === undefined ? "Hold to record" : `${count} pictures`}
    </button>
  );
}

async function record(
  video: HTMLVideoElement,
  classId: string,
  signal: AbortSignal,
  onCount: (count: number) => void,
): Promise<void> {
  let waiting: PreparedPicture[] = [];
  let count = 0;
  const flush = async () => {
    const now = waiting;
    waiting = [];
    await keepPictures(classId, now);
  };
  // One at least, however short the press.
  do {
    const started = performance.now();
    const moment = new Date().toLocaleTimeString("en-GB");
    waiting.push(await pictureOfFrame(video, `camera ${moment} ${count + 1}`));
    onCount(++count);
    if (waiting.length >= CHUNK) await flush();
    const rest = 1000 / RATE - (performance.now() - started);
    if (!signal.aborted && rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
  } while (!signal.aborted);
  await flush();
}

/** Folders whose names become classes. */
export function FolderButton() {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        hidden
        multiple
        {...{ webkitdirectory: true }}
        aria-label="Folders of pictures"
        onChange={({ currentTarget }) => void takeFiles(chosenFiles(currentTarget))}
      />
      <Button icon="folder" onClick={() => input.current?.click()}>
        Add a folder of folders
      </Button>
    </>
  );
}
