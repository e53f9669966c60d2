// Runs in a process of its own: the first answer of the package at PROBE_PACKAGE, as the command or the library gives it. At its end it writes to
// descriptor 3 what it took, in milliseconds since the process began and of processor time of all its threads. Plain JavaScript, so that nothing else is loaded.
import { writeSync } from "node:fs";
import { pathToFileURL } from "node:url";

const phases = [];
let last = { wall: 0, cpu: 0 };
const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
const done = (name) => {
  const now = { wall: performance.now(), cpu: cpuMs() };
  phases.push({ name, wall_ms: now.wall - last.wall, cpu_ms: now.cpu - last.cpu });
  last = now;
};

done("node");
const [way, picture] = process.argv.slice(2);
const root = pathToFileURL(`${process.env.PROBE_PACKAGE}/`);
process.on("exit", () => {
  done("end");
  const { maxRSS } = process.resourceUsage();
  writeSync(3, JSON.stringify({ phases, wall_ms: last.wall, cpu_ms: last.cpu, peak_bytes: 1024 * maxRSS }));
});

if (way === "library") {
  const { Classifier } = await import(new URL("dist/node.js", root).href);
  done("import");
  const classifier = await Classifier.load("saccade/photographs");
  done("load");
  const { predictions } = await classifier.classify(picture);
  done("answer");
  process.stdout.write(`${predictions[0].label}\n`);
  await classifier.dispose();
} else {
  process.argv.splice(1, process.argv.length, "saccade", "classify", picture);
  await import(new URL("dist/cli/main.js", root).href);
  done("answer");
}
