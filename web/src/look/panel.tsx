// Look: pictures or the camera, what is in them, where the model looked, and dials for how much looking to pay for.
import { useEffect } from "preact/hooks";
import { addressOf } from "../router.ts";
import { camera, closeCamera } from "../state/camera.ts";
import { currentModel } from "../state/models.ts";
import { choosePicture, currentPicture, pictures, removePicture } from "../state/pictures.ts";
import { Button, Card, IconButton, ProblemBox, Progress } from "../ui/controls.tsx";
import { Icon } from "../ui/icon.tsx";
import { compact } from "../ui/numbers.ts";
import { Answers } from "./answers.tsx";
import { Dials } from "./dials.tsx";
import { DropRoom, PictureButtons } from "./intake.tsx";
import { Live } from "./live.tsx";
import { answer, lookerState, openAgain } from "./looking.ts";
import { Stage } from "./stage.tsx";
import "./look.css";

export default function LookPanel() {
  useEffect(() => closeCamera, []);
  const { value } = camera;
  const isEmpty = value.status === "off" && pictures.value.length === 0;
  return (
    <DropRoom>
      <div class="panel-head">
        <div>
          <h1>What is in a picture, and where it looked</h1>
          <p>A sparse model looks at a few places, as an eye does. Drop a picture, and see each of its looks.</p>
        </div>
        {!isEmpty && <PictureButtons isFirst={false} />}
      </div>
      <div class="look">
        <div class="look-main">
          {value.status === "on" ? null : isEmpty ? <Welcome /> : <CurrentPicture />}
          {value.status === "asking" && (
            <p class="soft">Waiting for the camera: the browser asks whether this page may use it.</p>
          )}
          {value.status === "on" && <Live stream={value.stream} />}
          {value.status === "off" && pictures.value.length > 1 && <Filmstrip />}
        </div>
        <div class="look-side">
          {value.status !== "on" && !isEmpty && <AnswerCard />}
          <LookerCard />
          <Dials />
        </div>
      </div>
    </DropRoom>
  );
}

function Welcome() {
  return (
    <div class="welcome">
      <Icon name="eye" size={44} />
      <p class="welcome-title">Drop a picture here</p>
      <p class="soft">or paste one. It stays on this machine.</p>
      <PictureButtons isFirst />
    </div>
  );
}

function CurrentPicture() {
  const picture = currentPicture.value;
  if (picture === undefined) return null;
  const { value } = answer;
  const isBroken = value.status === "failed" && value.isPicture;
  return (
    <Stage
      key={picture.id}
      picture={picture}
      looked={value.status === "done" ? value.looked : undefined}
      isBroken={isBroken}
    />
  );
}

function AnswerCard() {
  const { value } = answer;
  return (
    <Card title="What it says">
      {value.status === "done" && <Answers looked={value.looked} />}
      {value.status === "looking" && <p class="soft">Looking …</p>}
      {value.status === "waiting" && <p class="soft">As soon as the model is open.</p>}
      {value.status === "none" && <p class="soft">No picture yet.</p>}
      {value.status === "failed" && (
        <>
          <ProblemBox problem={value.problem} />
          {!value.isPicture && <Button onClick={openAgain}>Try again</Button>}
        </>
      )}
    </Card>
  );
}

/** Which model looks, where, and what stands in its way. */
function LookerCard() {
  const { value } = lookerState;
  const model = currentModel.value;
  return (
    <section class="looker" aria-label="The model that looks">
      {value.status === "opening" && (
        <Progress
          label={openingLabel(model.name, value.loaded, value.total)}
          {...(value.total ? { value: value.loaded / value.total } : {})}
        />
      )}
      {value.status === "failed" && (
        <>
          <ProblemBox problem={value.problem} />
          <Button onClick={openAgain}>Try again</Button>
        </>
      )}
      {value.status === "ready" && (
        <p class="soft small">
          <a href={addressOf("models")}>{model.name}</a>, in {DEVICE_NAMES[value.looker.device] ?? value.looker.device}
        </p>
      )}
    </section>
  );
}

const DEVICE_NAMES: Readonly<Record<string, string>> = { wasm: "WebAssembly", webgpu: "WebGPU" };

function openingLabel(name: string, loaded: number, total: number | undefined): string {
  const of = total === undefined ? "" : ` of ${compact(total, "B")}`;
  return loaded === 0 ? `Opening ${name}` : `Opening ${name}: ${compact(loaded, "B")}${of}`;
}

function Filmstrip() {
  const current = currentPicture.value;
  return (
    <ul class="filmstrip" aria-label="Pictures">
      {pictures.value.map(({ id, name, url }) => (
        <li key={id}>
          <button
            type="button"
            class="thumb"
            aria-label={name}
            title={name}
            aria-pressed={id === current?.id}
            onClick={() => choosePicture(id)}
          >
            <img src={url} alt="" loading="lazy" />
          </button>
          <IconButton icon="close" label={`Put ${name} away`} onClick={() => removePicture(id)} />
        </li>
      ))}
    </ul>
  );
}
