// Staged sessions whose engine lives in a worker: all stages of a model in one, where tensors stay between steps. Only answers come back.
import { AbortedError, SessionError } from "../../errors.ts";
import { checkFeeds, checkOutputNames } from "../../runtime/feeds.ts";
import { checkModelBytes } from "../../runtime/model-bytes.ts";
import { RunQueue } from "../../runtime/run-queue.ts";
import type { ActualDevice } from "../../runtime/session.ts";
import type { StagedRun, StagedSession, StageInfo, StageStep, StepAnswer } from "../../runtime/staged-session.ts";
import { EngineClient } from "./engine-client.ts";
import { checkUntaken, packTensors, unpackTensors } from "./protocol.ts";
import type { FromStagedWorker, LoadedStage, ToStagedWorker } from "./staged-protocol.ts";
import { checkDevice, type OpenSession } from "./worker-session.ts";

/** A staged session in a worker. */
export interface StagedEngineSession extends StagedSession, AsyncDisposable {
  /** True once disposed or once the worker died. */
  readonly closed: boolean;
}

type StageClient = EngineClient<ToStagedWorker, FromStagedWorker>;

/**
 * Loads stages in a worker of their own, all of them on one device. Errors are those of `openSession`.
 *
 * @param models ONNX bytes by stage
 */
export async function openStagedSession<Surroundings>(
  models: ReadonlyMap<string, Uint8Array>,
  { start, onNotice, signal, ...request }: Omit<OpenSession<Surroundings>, "state">,
): Promise<StagedEngineSession> {
  checkDevice(request.device);
  if (signal?.aborted === true) throw new AbortedError("loading the model", signal.reason);
  for (const model of models.values()) checkModelBytes(model);
  const queue = new RunQueue();
  const client: StageClient = new EngineClient(start, onNotice, (error) => queue.close(error));
  const stages = [...models].map(([stage, model]) => ({ stage, model: new Uint8Array(model) }));
  const buffers = stages.map(({ model }) => model.buffer);
  const load = () => client.ask("staged", { type: "load stages", stages, ...request }, buffers);
  try {
    const loaded = await queue.submit("loading the model", load, signal);
    return new WorkerStages(client, queue, loaded.stages);
  } catch (error) {
    const stopped = client.stop(); // after an abort a thread may first finish loading, in the background
    if (!(error instanceof AbortedError)) await stopped;
    throw error;
  }
}

class WorkerStages implements StagedEngineSession {
  readonly device: ActualDevice;
  readonly stages: ReadonlyMap<string, StageInfo>;
  readonly #client: StageClient;
  readonly #queue: RunQueue;
  #runs = 0;

  constructor(client: StageClient, queue: RunQueue, loaded: readonly LoadedStage[]) {
    this.#client = client;
    this.#queue = queue;
    this.device = loaded[0]?.device ?? "cpu";
    this.stages = new Map(loaded.map(({ stage, inputs, outputs }) => [stage, { inputs, outputs }]));
  }

  get closed(): boolean {
    return this.#queue.closedBy !== undefined;
  }

  begin(): StagedRun {
    const run = ++this.#runs;
    const held = new Set<string>();
    return {
      step: (step) => this.#step(run, held, step),
      end: () => {
        if (held.size > 0) this.#client.tell({ type: "end", run });
        held.clear();
      },
    };
  }

  /** @param held names that the worker holds for this run */
  async #step(run: number, held: Set<string>, step: StageStep): Promise<StepAnswer> {
    const { stage, feeds = {}, transferInputs = false, rows, outputs, keep, reads, signal } = step;
    if (this.#queue.closedBy !== undefined) throw this.#queue.closedBy;
    if (signal?.aborted === true) throw new AbortedError("the run", signal.reason);
    const info = this.stages.get(stage);
    if (info === undefined) throw new SessionError(`there is no stage "${stage}"`);
    checkFeeds(info.inputs, feeds, held);
    checkOutputNames(info.outputs, [...step.outputs, ...Object.keys(keep)]);
    const { tensors, transfer } = packTensors(feeds, transferInputs);
    for (const name of [...Object.keys(feeds), ...Object.values(keep)]) held.add(name);
    let sentAt = 0;
    const send = () => {
      checkUntaken({ tensors, transfer });
      sentAt = performance.now();
      return this.#client.ask(
        "result",
        { type: "step", run, stage, feeds: tensors, rows, outputs, keep, reads },
        transfer,
      );
    };
    const answer = await this.#queue.submit("the run", async () => send(), signal);
    const milliseconds = performance.now() - sentAt;
    for (const name of held) if (!reads.includes(name)) held.delete(name);
    return { outputs: unpackTensors(answer.outputs), milliseconds };
  }

  async dispose(): Promise<void> {
    this.#queue.close(new SessionError("the session has been disposed"));
    await this.#client.stop(this.device);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}
