// node --import …/modules-hook.mjs: writes the address of every module that is imported to the file MODULES_LOG, a line each.
import { register } from "node:module";

const hook = `import { appendFileSync } from "node:fs";
export function load(url, context, next) {
  appendFileSync(process.env.MODULES_LOG, url + "\\n");
  return next(url, context);
}`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
