// Ways to take away what was learnt.
import { signal } from "@preact/signals";
import { Button, Card, Progress } from "../ui/controls.tsx";
import { isOutdated } from "./learning.ts";
import { lookWithIt, saveFolder, saveOnnx, saveOwnPage, saving } from "./saving.ts";

const name = signal("my model");

export function SaveCard() {
  const busy = saving.value !== undefined;
  return (
    <Card title="Take it with you">
      <label class="teach-field">
        Name of the model
        <input
          class="text-field"
          value={name.value}
          onInput={({ currentTarget }) => {
            name.value = currentTarget.value;
          }}
        />
      </label>
      <div class="row">
        <Button
          icon="folder"
          disabled={busy}
          onClick={() => void saveFolder(name.value)}
          title="For the command saccade, and to learn on with"
        >
          Model folder (zip)
        </Button>
        <Button
          icon="file"
          disabled={busy}
          onClick={() => void saveOnnx(name.value)}
          title="One file, for any ONNX runtime"
        >
          ONNX file
        </Button>
        <Button
          icon="layers"
          disabled={busy}
          onClick={() => void saveOwnPage(name.value)}
          title="A zip that runs from any web server"
        >
          Page of its own (zip)
        </Button>
        <Button icon="eye" disabled={busy} onClick={() => void lookWithIt(name.value)}>
          See where it looks
        </Button>
      </div>
      {busy && <Progress label={`Making ${saving.value}`} />}
      {isOutdated.value && <p class="soft">This is what was learnt before the pictures changed.</p>}
    </Card>
  );
}
