// The page without a network: a service worker keeps it, and a newer version waits until the person takes it.
import { signal } from "@preact/signals";
import { announce, report } from "./notices.ts";

/** A newer version that is ready to be taken. */
export const update = signal<ServiceWorker | undefined>(undefined);
/** Whether the page is kept, and works without a network. */
export const isKept = signal(false);

/** Lets the page arrive first: what is kept then comes from the browser's own cache. */
const SETTLED_MS = 4000;

/** Begins to keep the page, where it is served as built. */
export function keepPage(): void {
  if (import.meta.env.MODE === "development" || !("serviceWorker" in navigator)) return;
  isKept.value = navigator.serviceWorker.controller !== null;
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    // The first one takes a page that is there already; a later one is a newer version that was asked for.
    if (isKept.value) location.reload();
    isKept.value = true;
  });
  setTimeout(() => register().catch(report), isKept.value ? 0 : SETTLED_MS);
}

async function register(): Promise<void> {
  // Private windows and strict settings keep nothing; the page works all the same.
  const registration = await navigator.serviceWorker.register("./service-worker.js").catch(() => undefined);
  if (registration === undefined) return;
  const offer = (worker: ServiceWorker | null) => {
    if (worker === null || navigator.serviceWorker.controller === null) return;
    update.value = worker;
    announce("A newer version of this page is ready.");
  };
  offer(registration.waiting);
  registration.addEventListener("updatefound", () => {
    const { installing } = registration;
    installing?.addEventListener("statechange", () => {
      if (installing.state === "installed") offer(installing);
    });
  });
}

/** The page begins anew with the newer version. */
export function takeUpdate(): void {
  update.value?.postMessage("take over");
}
