// Files that ffmpeg writes here, read back: what the fast test leaves out.
import { afterAll, test } from "vitest";
import { CASES, checkCase } from "./video-cases.test-helper.ts";
import { hasFfmpeg, removeVideoFolder } from "./video-files.test-helper.ts";

afterAll(removeVideoFolder);

for (const [name, one] of Object.entries(CASES).filter(([, { isRare }]) => isRare === true))
  test.runIf(hasFfmpeg)(`${name}: every frame at its time`, () => checkCase(one));
