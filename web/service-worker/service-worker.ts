// Keeps the page, so that it works without a network and without whoever served it. All files of one version are kept together; a newer version waits until
// the person takes it, so that a page never gets files of two.
const worker = self as unknown as ServiceWorkerGlobalScope;

/** The build puts what belongs to the page here: addresses relative to this script, and a digest of them all. */
declare const __PAGE_FILES__: readonly string[];
declare const __PAGE_VERSION__: string;

const PREFIX = "saccade-page-";
const CACHE = PREFIX + __PAGE_VERSION__;
const INDEX = "./";

worker.addEventListener("install", (event) => {
  event.waitUntil(keepAll());
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(takeOver());
});

worker.addEventListener("message", ({ data }) => {
  if (data === "take over") worker.skipWaiting();
});

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method === "GET" && request.url.startsWith(worker.registration.scope)) event.respondWith(answer(request));
});

/** What an older version has under the same name is the same: names are made of contents. */
async function keepAll(): Promise<void> {
  const cache = await caches.open(CACHE);
  for (const file of __PAGE_FILES__) {
    const url = new URL(file, worker.registration.scope).href;
    const kept = file.startsWith("assets/") ? await caches.match(url) : undefined;
    if (kept !== undefined) await cache.put(url, kept);
    else await cache.add(new Request(url, { cache: file.startsWith("assets/") ? "default" : "reload" }));
  }
}

async function takeOver(): Promise<void> {
  for (const name of await caches.keys()) if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
  await worker.clients.claim();
}

async function answer(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  const kept =
    request.mode === "navigate"
      ? await cache.match(new URL(INDEX, worker.registration.scope).href)
      : await cache.match(request.url, { ignoreVary: true });
  if (kept !== undefined) return kept;
  const response = await fetch(request);
  // Builds of the engine that not every machine needs are kept once they were needed.
  if (response.ok && new URL(request.url).pathname.includes("/assets/"))
    await cache.put(request.url, response.clone()).catch(() => undefined); // no room: it is fetched again
  return response;
}
