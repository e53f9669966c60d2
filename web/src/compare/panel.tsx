// Compare: models side by side on one picture, and how their time grows with resolution.
import { addressOf } from "../router.ts";
import { models } from "../state/models.ts";
import { report as reportProblem } from "../state/notices.ts";
import { addPictures, currentPicture } from "../state/pictures.ts";
import { Button, Card, FileButton } from "../ui/controls.tsx";
import { compared, lookWithAll, setCompared, sides, stop, working } from "./comparing.ts";
import { Measurement } from "./measurement.tsx";
import { SideBySide } from "./side-by-side.tsx";
import "./compare.css";

export default function ComparePanel() {
  return (
    <>
      <div class="panel-head">
        <div>
          <h1>Compare</h1>
          <p>What several models say of one picture, where each of them looks, and what that costs on this machine.</p>
        </div>
      </div>
      <div class="compare">
        <Chosen />
        <OnePicture />
        <Measurement />
      </div>
    </>
  );
}

function Chosen() {
  const chosen = compared.value;
  return (
    <fieldset class="chosen">
      <legend class="heard">Models to compare</legend>
      {models.value.map((model) => (
        <label key={model.id} class="check">
          <input
            type="checkbox"
            checked={chosen.includes(model)}
            onChange={({ currentTarget }) => setCompared(model.id, currentTarget.checked)}
          />
          {model.name}
        </label>
      ))}
      <a class="small" href={addressOf("models")}>
        Open another model
      </a>
    </fieldset>
  );
}

function OnePicture() {
  const picture = currentPicture.value;
  const isLooking = working.value?.kind === "looking";
  const isReady = picture !== undefined && working.value === undefined && compared.value.length > 0;
  const actions = (
    <div class="row">
      <FileButton icon="picture" accept="image/*" onFiles={(files) => addPictures(files.map(({ file }) => file))}>
        {picture === undefined ? "Choose a picture" : "Another picture"}
      </FileButton>
      {isLooking ? (
        <Button icon="stop" onClick={stop}>
          Stop
        </Button>
      ) : (
        <Button icon="eye" kind="primary" disabled={!isReady} onClick={() => lookWithAll().catch(reportProblem)}>
          Look
        </Button>
      )}
    </div>
  );
  const isShown = sides.value !== undefined && sides.value.picture === picture?.id;
  return (
    <Card title="One picture" actions={actions}>
      {picture === undefined && <p class="soft">Choose a picture, or look at one under Look first.</p>}
      {picture !== undefined && !isShown && (
        <div class="compare-waiting">
          <img src={picture.url} alt={picture.name} />
          <p class="soft">All chosen models will look at this picture, one after another.</p>
        </div>
      )}
      {picture !== undefined && isShown && <SideBySide picture={picture} sides={sides.value!.of} />}
    </Card>
  );
}
