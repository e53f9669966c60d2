// Where models run.
import type { Device } from "../library.ts";
import { currentModel, device } from "../state/models.ts";
import { Card } from "../ui/controls.tsx";

const CHOICES: readonly { readonly value: Device; readonly title: string }[] = [
  { value: "auto", title: "Whatever is best here" },
  { value: "wasm", title: "WebAssembly, on the processor" },
  { value: "webgpu", title: "WebGPU, on the graphics card" },
];

export function DeviceChoice() {
  const said = currentModel.value.notices.value.filter((line) => /thread|webgpu|wasm|adapter|isolat/i.test(line));
  return (
    <Card title="Runs in">
      <select
        class="wide"
        aria-label="Where models run"
        value={device.value}
        onChange={({ currentTarget }) => {
          device.value = CHOICES.find(({ value }) => value === currentTarget.value)?.value ?? "auto";
        }}
      >
        {CHOICES.map(({ value, title }) => (
          <option key={value} value={value}>
            {title}
          </option>
        ))}
      </select>
      {said.map((line) => (
        <p key={line} class="soft small">
          {line}
        </p>
      ))}
    </Card>
  );
}
