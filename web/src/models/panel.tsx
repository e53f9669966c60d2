// Models: the one that looks, what is known of it, others from the disk, and what the browser keeps.
import { useEffect, useState } from "preact/hooks";
import { droppedFiles, type IncomingFile } from "../incoming-files.ts";
import { problemOf } from "../problems.ts";
import {
  closeModel,
  currentModel,
  factsOf,
  models,
  type OpenModel,
  openFromDisk,
  opening,
  useModel,
} from "../state/models.ts";
import { report } from "../state/notices.ts";
import { Button, Card, FileButton, IconButton, ProblemBox, Progress } from "../ui/controls.tsx";
import { Icon } from "../ui/icon.tsx";
import { DeviceChoice } from "./device-choice.tsx";
import { Kept } from "./kept.tsx";
import { ModelCard } from "./model-card.tsx";
import "./models.css";

export default function ModelsPanel() {
  return (
    <>
      <div class="panel-head">
        <div>
          <h1>Models</h1>
          <p>
            One comes with the page. Any other is opened from your disk and stays in this tab; a checkpoint's program is
            never run.
          </p>
        </div>
      </div>
      <div class="models">
        <div class="models-side">
          <OpenModels />
          <OpenFromDisk />
          <DeviceChoice />
          <Kept />
        </div>
        <CurrentModel />
      </div>
    </>
  );
}

function OpenModels() {
  const current = currentModel.value;
  return (
    <Card title="Open">
      <ul class="model-list">
        {models.value.map((model) => (
          <li key={model.id}>
            <button
              type="button"
              class="model-choice"
              aria-pressed={model === current}
              onClick={() => useModel(model.id)}
            >
              <span class="model-name">{model.name}</span>
              <span class="soft small">{ORIGINS[model.origin]}</span>
            </button>
            {model.origin !== "bundled" && (
              <IconButton icon="close" label={`Close ${model.name}`} onClick={() => closeModel(model.id)} />
            )}
          </li>
        ))}
      </ul>
    </Card>
  );
}

const ORIGINS: Readonly<Record<OpenModel["origin"], string>> = {
  bundled: "comes with the page",
  disk: "from your disk",
  here: "made in this page",
};

function OpenFromDisk() {
  const [isOver, setOver] = useState(false);
  const open = (files: readonly IncomingFile[]) => {
    openFromDisk(files).catch(report);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    if (event.dataTransfer !== null) droppedFiles(event.dataTransfer).then(open).catch(report);
  };
  const over = (event: DragEvent) => {
    event.preventDefault();
    setOver(true);
  };
  const busy = opening.value;
  return (
    <section
      class={isOver ? "open-here over" : "open-here"}
      aria-label="Open a model from the disk"
      onDragOver={over}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <p class="open-title">
        <Icon name="folder" /> Drop a model here
      </p>
      <p class="soft small">
        An ONNX file, an official checkpoint (.pth, .pt, .safetensors), or a model folder: this project's, timm's or
        transformers'.
      </p>
      {busy === undefined ? (
        <div class="row">
          <FileButton icon="file" accept=".onnx,.data,.pth,.pt,.tar,.ckpt,.bin,.safetensors" multiple onFiles={open}>
            Choose a file
          </FileButton>
          <FileButton icon="folder" folder onFiles={open}>
            Choose a folder
          </FileButton>
        </div>
      ) : (
        <Progress label={`Reading ${busy.name}`} />
      )}
    </section>
  );
}

function CurrentModel() {
  const model = currentModel.value;
  const [failed, setFailed] = useState<unknown>();
  useEffect(() => {
    setFailed(undefined);
    factsOf(model).catch(setFailed);
  }, [model]);
  const facts = model.facts.value;
  if (failed !== undefined)
    return (
      <Card title={model.name}>
        <ProblemBox problem={problemOf(failed)} />
        <Button onClick={() => factsOf(model).then(() => setFailed(undefined), setFailed)}>Try again</Button>
      </Card>
    );
  if (facts === undefined) return <Progress label={`Reading ${model.name}`} />;
  return <ModelCard model={model} facts={facts} />;
}
