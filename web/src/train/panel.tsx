// Train: a small SparseFormer of one's own, on the pictures of Teach, with live curves; it is paused and gone on with at any time.
import "./train.css";
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { download, fileName } from "../downloads.ts";
import { folderAsOnnx, folderAsZip } from "../model-files.ts";
import { ownPage } from "../own/saving.ts";
import { addressOf, goTo } from "../router.ts";
import { openFromPage } from "../state/models.ts";
import { report } from "../state/notices.ts";
import { Button, Card, Progress } from "../ui/controls.tsx";
import { type Choices, epochsOf, LENGTHS, STARTS, USUAL } from "./choices.ts";
import { Curves } from "./curves.tsx";
import { BEST, begin, best, forget, notices, openRun, pause, progress, resume, run, trainable } from "./run.ts";

const choices = signal<Choices>(USUAL);

export default function TrainPanel() {
  useEffect(() => void openRun(), []);
  const { status } = run.value;
  return (
    <>
      <div class="panel-head">
        <div>
          <h1>Train a model of your own</h1>
          <p>
            The whole model learns from the pictures of Teach, here in the page. It takes minutes to hours, and can be
            paused at any time; a reload loses nothing.
          </p>
        </div>
      </div>
      <div class="train">
        {status === "opening" && <Progress label="Opening what was kept" />}
        {status === "none" && <Begin />}
        {status !== "none" && status !== "opening" && <Running />}
        {status === "done" || (status === "paused" && best.value !== undefined) ? <Take /> : null}
      </div>
    </>
  );
}

function Begin() {
  const data = trainable.value;
  const pictures = data.reduce((sum, one) => sum + one.pictures.length, 0);
  const isPossible = data.length >= 2;
  return (
    <Card title="A new run">
      {isPossible ? (
        <p>
          {pictures} pictures of {data.length} classes:{" "}
          {data
            .map(({ name }) => name)
            .slice(0, 6)
            .join(", ")}
          {data.length > 6 ? ", …" : ""}. A tenth is held back to measure with.
        </p>
      ) : (
        <p>
          There is nothing to train on yet: <a href={addressOf("teach")}>name two classes under Teach</a>, with two
          pictures each at least. Learning there takes a second; training pays from some twenty pictures a class.
        </p>
      )}
      <Choice
        title="Begin with"
        options={Object.entries(STARTS).map(([value, { title, about }]) => ({ value, title, about }))}
        value={choices.value.start}
        onChoose={(start) => {
          choices.value = { ...choices.value, start: start as Choices["start"] };
        }}
      />
      <Choice
        title="How long"
        options={Object.entries(LENGTHS).map(([value, { title }]) => ({
          value,
          title,
          about: `${epochsOf({ ...choices.value, length: value as Choices["length"] })} times through all pictures`,
        }))}
        value={choices.value.length}
        onChoose={(length) => {
          choices.value = { ...choices.value, length: length as Choices["length"] };
        }}
      />
      <Button kind="primary" icon="play" disabled={!isPossible} onClick={() => void begin(choices.value)}>
        Train
      </Button>
    </Card>
  );
}

interface ChoiceProps {
  readonly title: string;
  readonly options: readonly { readonly value: string; readonly title: string; readonly about: string }[];
  readonly value: string;
  readonly onChoose: (value: string) => void;
}

function Choice({ title, options, value, onChoose }: ChoiceProps) {
  return (
    <fieldset class="train-choice">
      <legend>{title}</legend>
      {options.map((one) => (
        <label key={one.value}>
          <input type="radio" name={title} checked={one.value === value} onChange={() => onChoose(one.value)} />
          <span>
            {one.title} <span class="soft">{one.about}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

function Running() {
  const state = run.value;
  const now = progress.value;
  const [isAsked, setAsked] = useState(false);
  const isBusy = state.status === "running" || state.status === "pausing";
  return (
    <Card title={TITLES[state.status as keyof typeof TITLES]}>
      {now !== undefined && (
        <p class="number" data-testid="standing">
          Step {now.step} of {now.totalSteps}, epoch {Math.min(now.epoch + 1, now.epochs)} of {now.epochs}
          {state.status === "running" && Number.isFinite(now.secondsLeft) && (
            <>, about {timeLeft(now.secondsLeft)} left</>
          )}
          {state.status === "running" && now.imagesPerSecond > 0 && (
            <span class="soft"> ({Math.round(now.imagesPerSecond)} pictures a second)</span>
          )}
        </p>
      )}
      {isBusy && (
        <Progress
          label={state.status === "running" ? state.what : "Writing what was learnt"}
          {...(now === undefined ? {} : { value: now.step / now.totalSteps })}
        />
      )}
      {best.value !== undefined && (
        <p>
          The best so far names <strong>{Math.round(100 * best.value.top1)} %</strong> of the
          {best.value.pictures > 0 ? ` ${best.value.pictures}` : ""} held-back pictures rightly.
        </p>
      )}
      <Curves />
      <div class="row">
        {isBusy && (
          <Button icon="pause" disabled={state.status === "pausing"} onClick={pause}>
            Pause
          </Button>
        )}
        {state.status === "paused" && (
          <Button kind="primary" icon="play" onClick={() => void resume()}>
            Go on
          </Button>
        )}
        {!isBusy && (
          <Button icon="trash" kind="quiet" onClick={() => setAsked(true)}>
            Begin anew
          </Button>
        )}
      </div>
      {isAsked && (
        <p class="row" role="alertdialog" aria-label="Forget this run?">
          <span>Forget this run and its model?</span>
          <Button
            kind="primary"
            onClick={() => {
              setAsked(false);
              void forget();
            }}
          >
            Forget it
          </Button>
          <Button onClick={() => setAsked(false)}>Keep it</Button>
        </p>
      )}
      {state.status === "done" && state.problems > 0 && (
        <p class="soft">{state.problems} pictures could not be read and took no part.</p>
      )}
      {notices.value.length > 0 && (
        <details>
          <summary>What it said</summary>
          <ul class="train-notices">
            {[...new Set(notices.value)].map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </details>
      )}
    </Card>
  );
}

const TITLES = { running: "Training", pausing: "Pausing", paused: "Paused", done: "Done" } as const;

function Take() {
  const [name, setName] = useState("my trained model");
  const [busy, setBusy] = useState(false);
  const make = (file: () => Promise<Blob>, ending: string) => {
    setBusy(true);
    file()
      .then((made) => download(made, `${fileName(name)}${ending}`))
      .catch(report)
      .finally(() => setBusy(false));
  };
  return (
    <Card title="Take it with you">
      <label class="train-field">
        Name of the model
        <input class="text-field" value={name} onInput={({ currentTarget }) => setName(currentTarget.value)} />
      </label>
      <div class="row">
        <Button icon="folder" disabled={busy} onClick={() => make(() => folderAsZip(BEST, fileName(name)), ".zip")}>
          Model folder (zip)
        </Button>
        <Button icon="file" disabled={busy} onClick={() => make(() => folderAsOnnx(BEST), ".onnx")}>
          ONNX file
        </Button>
        <Button
          icon="layers"
          disabled={busy}
          onClick={() =>
            make(async () => ownPage(name, `${fileName(name)}-page`, await folderAsOnnx(BEST)), "-page.zip")
          }
        >
          Page of its own (zip)
        </Button>
        <Button
          icon="eye"
          onClick={() => {
            openFromPage(name, BEST);
            goTo("look");
          }}
        >
          See where it looks
        </Button>
      </div>
    </Card>
  );
}

function timeLeft(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
