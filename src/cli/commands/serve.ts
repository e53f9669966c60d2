// saccade serve: models over HTTP.
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { FormatError } from "../../errors.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { ownPackage } from "../../platform/node/package-files.ts";
import { CONFIG_FLAGS, serverConfig } from "../../server/config.ts";
import { decodeText } from "../../text-file.ts";
import { DEFAULT_MODEL } from "../default-model.ts";
import { printable, type Terminal } from "../terminal.ts";

const EXAMPLES = `
MODEL is a registered name, model folder, checkpoint or ONNX file, and has its
name from its last part; NAME=MODEL and NAME@VERSION=MODEL give it another.
Every option may also stand in a JSON file, max_batch for --max-batch, and in
the environment, SACCADE_SERVE_MAX_BATCH. SIGTERM and Ctrl-C let it answer what
it has taken.

Examples:
  $ saccade serve
  $ saccade serve runs/flowers garments@2=runs/garments --port 8000
  $ saccade serve --index photos-index --tasks classify,embed
  $ saccade serve --config serve.json --host 0.0.0.0 --auth-file tokens.txt
  $ curl --data-binary @photo.jpg -H Content-Type:image/jpeg \\
      http://127.0.0.1:7223/v1/classify
  $ curl -F image=@photo.jpg -F explain=gaze http://127.0.0.1:7223/v1/classify

/docs describes the requests, /metrics is for Prometheus, /livez and /readyz are
for whoever watches over it. The Open Inference Protocol is under /v2.
`;

const MOST_CONFIG_BYTES = 2 ** 20;

export function addServe(program: Command, terminal: Terminal): void {
  const command = program
    .command("serve")
    .description("answer over HTTP: classify, embed, search; with queues, limits and metrics")
    .argument("[model...]", `what to serve (default: ${DEFAULT_MODEL})`)
    .option("--config <file>", "options as JSON; flags and the environment win over it");
  for (const { flag, help } of CONFIG_FLAGS) command.option(flag, help);
  command.addHelpText("after", EXAMPLES).action(async (models: string[], flags: Record<string, string | true>) => {
    const { config: file, ...others } = flags;
    const given = typeof file === "string" ? { json: await readJson(file), name: file } : undefined;
    const named = serverConfig({ models, flags: others, environment: process.env, file: given });
    const config =
      named.models.length > 0 || (named.index !== undefined && named.tasks === undefined)
        ? named
        : serverConfig({ models: [DEFAULT_MODEL], flags: others, environment: process.env, file: given });
    await serve(config, terminal);
  });
}

async function serve(config: ReturnType<typeof serverConfig>, terminal: Terminal): Promise<void> {
  // Only who serves pays for loading an HTTP application.
  const [{ startServer }, { jsonLog }, { pageListener }] = await Promise.all([
    import("../../server/start.ts"),
    import("../../server/log.ts"),
    import("../../platform/node/page-server.ts"),
  ]);
  const folder = fileURLToPath(new URL("dist/page/", ownPackage().root));
  const page = config.api_only ? undefined : pageListener(folder);
  const log = jsonLog((line) => terminal.note(line));
  const onNotice = (line: string) => log.info("notice", { message: printable(line) });
  const server = await startServer(nodeHost, config, { log, onNotice, page });
  try {
    terminal.out(`${server.url}\n`);
    const stopping = stopped(terminal.signal);
    await Promise.race([server.ready, stopping]);
    await stopping;
  } finally {
    await server.stop();
  }
}

async function readJson(path: string): Promise<unknown> {
  const text = decodeText(await nodeHost.files.read(path, { maxBytes: MOST_CONFIG_BYTES }), path);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FormatError(path, "it is not JSON", { cause });
  }
}

function stopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
