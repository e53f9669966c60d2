// The panels of the page. A new one is a folder beside this file, whose `panel.tsx` has the component as its default export, and a line here. It is
// fetched when it is first opened, and mounted only while it is shown: what must outlive a change of panels (pictures, models, a run under way)
// belongs into signals of a module, as in state/.
import type { ComponentType } from "preact";
import type { IconName } from "./ui/icon.tsx";

export interface Panel {
  /** What stands behind the # of the address. */
  readonly id: string;
  /** What the tab says. */
  readonly title: string;
  readonly icon: IconName;
  readonly load: () => Promise<{ readonly default: ComponentType }>;
}

/** In the order of the tabs; the first is shown where the address names none. */
export const PANELS: readonly [Panel, ...Panel[]] = [
  { id: "look", title: "Look", icon: "eye", load: () => import("./look/panel.tsx") },
  { id: "teach", title: "Teach", icon: "teach", load: () => import("./teach/panel.tsx") },
  { id: "train", title: "Train", icon: "train", load: () => import("./train/panel.tsx") },
  { id: "models", title: "Models", icon: "layers", load: () => import("./models/panel.tsx") },
  { id: "compare", title: "Compare", icon: "columns", load: () => import("./compare/panel.tsx") },
];
