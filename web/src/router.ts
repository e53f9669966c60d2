// Which panel is shown: what stands behind the # of the address, so that it survives a reload, works offline and needs nothing of a server.
import { computed, signal } from "@preact/signals";
import { PANELS, type Panel } from "./panels.ts";

const hash = signal(location.hash);

addEventListener("hashchange", () => {
  hash.value = location.hash;
});

/** The panel of the address; the first one where it names none. */
export const currentPanel = computed((): Panel => PANELS.find(({ id }) => addressOf(id) === hash.value) ?? PANELS[0]);

export const addressOf = (panel: string): string => `#/${panel}`;

export function goTo(panel: string): void {
  location.hash = addressOf(panel);
}
