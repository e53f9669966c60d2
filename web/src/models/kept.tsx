// What the browser keeps for the page, and room for more.
import { useEffect, useState } from "preact/hooks";
import { type CachedModel, cachedModels, forgetModels } from "../library.ts";
import { announce, report } from "../state/notices.ts";
import { Button, Card } from "../ui/controls.tsx";
import { compact } from "../ui/numbers.ts";

interface Kept {
  readonly models: readonly CachedModel[];
  readonly used: number | undefined;
  readonly room: number | undefined;
}

async function readKept(): Promise<Kept> {
  const [models, estimate] = await Promise.all([cachedModels(), navigator.storage?.estimate?.()]);
  return { models, used: estimate?.usage, room: estimate?.quota };
}

export function Kept() {
  const [kept, setKept] = useState<Kept>();
  const read = () => readKept().then(setKept).catch(report);
  useEffect(() => void read(), []);
  if (kept === undefined) return null;
  const { models, used, room } = kept;
  const bytes = models.reduce((sum, model) => sum + model.bytes, 0);
  const forget = () =>
    forgetModels()
      .then((freed) => announce(`${compact(freed, "B")} are free again.`))
      .then(read)
      .catch(report);
  return (
    <Card title="Kept in this browser">
      <p class="small">
        {models.length === 0
          ? "No model yet."
          : `Model files: ${compact(bytes, "B")}, so that the page works without a network.`}
      </p>
      {used !== undefined && room !== undefined && (
        <p class="soft small">
          All of this page's data: {compact(used, "B")} of {compact(room, "B")} that the browser gives it.
        </p>
      )}
      {models.length > 0 && (
        <Button kind="quiet" icon="trash" onClick={forget}>
          Forget the model files
        </Button>
      )}
    </Card>
  );
}
