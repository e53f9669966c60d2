// Teach: classes that a person names and fills, learnt in a moment, tried live, saved.
import "./teach.css";
import { useEffect, useState } from "preact/hooks";
import { droppedFiles } from "../incoming-files.ts";
import { report } from "../state/notices.ts";
import { Button, Card, FileButton, Progress } from "../ui/controls.tsx";
import { archiving, exportEverything, importEverything } from "./archive.ts";
import { CameraView } from "./camera-view.tsx";
import { ClassCard, FolderButton } from "./class-card.tsx";
import {
  addClass,
  classes,
  collection,
  forgetEverything,
  incoming,
  isOpen,
  pictures,
  takeFiles,
} from "./collection.ts";
import { Doubts } from "./doubts.tsx";
import { looking } from "./features.ts";
import { isOutdated, learn, learning, lesson, obstacle, tellsStrangers } from "./learning.ts";
import { SaveCard } from "./save-card.tsx";
import { TryPicture } from "./try-picture.tsx";

export default function TeachPanel() {
  useEffect(() => {
    collection().catch(report);
    const over = (event: DragEvent) => event.preventDefault();
    const drop = (event: DragEvent) => {
      event.preventDefault();
      if (event.dataTransfer !== null) {
        droppedFiles(event.dataTransfer)
          .then((files) => takeFiles(files))
          .catch(report);
      }
    };
    document.addEventListener("dragover", over);
    document.addEventListener("drop", drop);
    return () => {
      document.removeEventListener("dragover", over);
      document.removeEventListener("drop", drop);
    };
  }, []);
  return (
    <>
      <div class="panel-head">
        <div>
          <h1>Teach it your own things</h1>
          <p>Show it a few pictures of each, and it tells them apart a moment later. Nothing leaves this machine.</p>
        </div>
      </div>
      <div class="teach">
        <div class="teach-main">
          <Card title="What shall it tell apart?" actions={<FolderButton />}>
            <p class="soft">
              Name classes and fill them: hold “record” while the camera sees the thing, add pictures, or drop folders
              here, whose names become classes. Everything stays in this browser.
            </p>
            <AddClass />
            {incoming.value !== undefined && (
              <Progress
                label={`Taking in ${incoming.value.done} of ${incoming.value.total}`}
                value={incoming.value.done / incoming.value.total}
              />
            )}
            {!isOpen.value && <p class="soft">Opening what was kept …</p>}
          </Card>
          {classes.value.map((one) => (
            <ClassCard key={one.id} one={one} />
          ))}
          <Doubts />
        </div>
        <div class="teach-side">
          <Card title="Camera">
            <CameraView />
          </Card>
          <LearnCard />
          {lesson.value !== undefined && <TryPicture />}
          {lesson.value !== undefined && <SaveCard />}
          <EverythingCard />
        </div>
      </div>
    </>
  );
}

function AddClass() {
  const [name, setName] = useState("");
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault();
        addClass(name)
          .then((made) => made !== undefined && setName(""))
          .catch(report);
      }}
    >
      <input
        class="text-field"
        aria-label="Name of a new class"
        placeholder="Name of a class"
        value={name}
        onInput={({ currentTarget }) => setName(currentTarget.value)}
      />
      <button type="submit" class="button">
        Add the class
      </button>
    </form>
  );
}

function LearnCard() {
  const state = learning.value;
  const learnt = lesson.value;
  const isBusy = state.status !== "idle";
  return (
    <Card title="Learn">
      {obstacle.value !== undefined && <p class="soft">{obstacle.value}</p>}
      <div class="row">
        <Button
          kind={learnt === undefined || isOutdated.value ? "primary" : "plain"}
          icon="check"
          disabled={isBusy || obstacle.value !== undefined}
          onClick={() => void learn()}
        >
          {learnt === undefined ? "Learn" : "Learn again"}
        </Button>
        <label class="row">
          <input
            type="checkbox"
            checked={tellsStrangers.value}
            onChange={({ currentTarget }) => {
              tellsStrangers.value = currentTarget.checked;
            }}
          />
          may answer “none of these”
        </label>
      </div>
      {state.status === "looking" &&
        (looking.value === undefined ? (
          <Progress label="Opening the model" />
        ) : (
          <Progress
            label={`Looking at ${looking.value.done} of ${looking.value.total} new pictures`}
            value={looking.value.done / looking.value.total}
          />
        ))}
      {state.status === "learning" && <Progress label="Learning" value={state.done} />}
      {learnt !== undefined && !isBusy && (
        <div data-testid="lesson">
          <p>
            Learnt {learnt.labels.length} classes from {learnt.pictures} pictures in{" "}
            <span class="number">{learnt.seconds.toFixed(1)}</span> s. Of pictures that it had not seen it named{" "}
            <strong>{Math.round(100 * learnt.right)} %</strong> rightly{" "}
            <span class="soft">
              (between {Math.round(100 * learnt.interval.low)} and {Math.round(100 * learnt.interval.high)} %).
            </span>
          </p>
          {learnt.confusions[0] !== undefined && (
            <p class="soft">
              Most often it takes “{learnt.confusions[0].label}” for “{learnt.confusions[0].takenFor}”: more pictures of
              both help.
            </p>
          )}
          {isOutdated.value && <p class="soft">Pictures have changed since: learn again.</p>}
        </div>
      )}
    </Card>
  );
}

function EverythingCard() {
  const [isAsked, setAsked] = useState(false);
  const busy = archiving.value;
  return (
    <Card title="All that was taught">
      <p class="soft">
        {pictures.value.length} pictures are kept in this browser. As one file, they can be moved to another browser, or
        kept safe.
      </p>
      <div class="row">
        <Button
          icon="download"
          disabled={busy !== undefined || pictures.value.length === 0}
          onClick={() => void exportEverything()}
        >
          Save everything
        </Button>
        <FileButton icon="file" accept=".zip" onFiles={([first]) => first && void importEverything(first.file)}>
          Open such a file
        </FileButton>
        <Button icon="trash" kind="quiet" disabled={classes.value.length === 0} onClick={() => setAsked(true)}>
          Forget everything
        </Button>
      </div>
      {busy !== undefined && <Progress label={busy.label} value={busy.done} />}
      {isAsked && (
        <p class="row" role="alertdialog" aria-label="Forget everything?">
          <span>Delete all classes and pictures from this browser?</span>
          <Button
            kind="primary"
            onClick={() => {
              setAsked(false);
              void forgetEverything().catch(report);
            }}
          >
            Delete
          </Button>
          <Button onClick={() => setAsked(false)}>Keep</Button>
        </p>
      )}
    </Card>
  );
}
