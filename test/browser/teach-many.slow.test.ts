// Ten thousand pictures in a hundred classes, taught in the page: how long learning takes and how much memory the tab has is printed. Features are made
// up, about a direction for each class, and the pictures are small files, put into the browser's storage as Teach keeps them: looking at ten
// thousand real ones takes minutes, once, and is not what is measured.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodePng } from "../../src/node.ts";
import { shapePicture } from "../train/shapes.ts";
import { openPageSite, type PageSite } from "./built-page.ts";
import { noChromium } from "./chromium.ts";

const PICTURES = 10_000;
const CLASSES = 100;
const MOST_BYTES = 500e6;

/** As expect.poll, with the time that a busy machine may take. */
const soon = <T>(look: () => T | Promise<T>) => expect.poll(look, { timeout: 300_000 });

describe.skipIf(noChromium)("ten thousand pictures", () => {
  const folder = mkdtempSync(join(tmpdir(), "saccade-teach-many-"));
  let site: PageSite;

  beforeAll(async () => {
    for (const name of ["one", "two"]) {
      mkdirSync(join(folder, "things", name), { recursive: true });
      for (let i = 0; i < 3; i++)
        writeFileSync(
          join(folder, "things", name, `${i}.png`),
          await encodePng(shapePicture(name === "one" ? 0 : 1, i)),
        );
    }
    site = await openPageSite();
  }, 300_000);
  afterAll(async () => {
    await site?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  test("are learnt and fit into the tab", async () => {
    const page = await site.open("teach");
    await page.getByLabel("Folders of pictures").setInputFiles(join(folder, "things"));
    const card = page.getByRole("region", { name: "Class two", exact: true });
    await soon(() => card.locator(".card-header .number").textContent()).toBe("3");
    const learn = page.getByRole("button", { name: /^Learn/ });
    await soon(() => learn.isEnabled()).toBe(true);
    await learn.click();
    await page.getByTestId("lesson").waitFor({ timeout: 300_000 });

    await page.evaluate(fill, [PICTURES, CLASSES] as const);
    await page.reload();
    await soon(() => page.getByText(`${PICTURES} pictures are kept`).count()).toBe(1);
    await soon(() => learn.isEnabled()).toBe(true);
    await learn.click();
    await page.getByTestId("lesson").waitFor({ timeout: 600_000 });
    const said = (await page.getByTestId("lesson").textContent())!;
    expect(said).toContain(`Learnt ${CLASSES} classes from ${PICTURES} pictures`);
    const bytes = await page.evaluate(async () => {
      const { measureUserAgentSpecificMemory } = performance as unknown as {
        measureUserAgentSpecificMemory: () => Promise<{ bytes: number }>;
      };
      return (await measureUserAgentSpecificMemory.call(performance)).bytes;
    });
    console.info(`${said} The tab has ${Math.round(bytes / 1e6)} MB afterwards.`);
    expect(bytes).toBeLessThan(MOST_BYTES);
    expect(await page.getByRole("region", { name: "Look at these again" }).count()).toBe(1);
  });
});

/** In the page: classes, pictures and features as Teach keeps them, in the place of what is there. */
async function fill([pictures, classes]: readonly [number, number]): Promise<void> {
  const answer = <T>(request: IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const database = await answer(indexedDB.open("saccade-teach"));
  const names = ["classes", "pictures", "files", "features"];
  const [known] = await answer(database.transaction("features").objectStore("features").getAll());
  const { space, vector } = known as { space: string; vector: Float32Array };
  // The same numbers every time.
  let state = 1;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(uniform() + 1e-12)) * Math.cos(2 * Math.PI * uniform());
  const centres = Array.from({ length: classes }, () => Float32Array.from(vector, normal));
  const file = new Blob([new Uint8Array(20_000)], { type: "image/jpeg" });
  const writing = database.transaction(names, "readwrite");
  const stores = names.map((name) => writing.objectStore(name));
  for (const store of stores) store.clear();
  const [classStore, pictureStore, fileStore, featureStore] = stores as [
    IDBObjectStore,
    IDBObjectStore,
    IDBObjectStore,
    IDBObjectStore,
  ];
  for (let c = 0; c < classes; c++) classStore.put({ id: `class-${c}`, name: `class ${c}`, order: c });
  for (let i = 0; i < pictures; i++) {
    const hash = i.toString(16).padStart(64, "0");
    // One in seventy is really of the next class.
    const real = (i % 71 === 0 ? i + 1 : i) % classes;
    const centre = centres[real]!;
    pictureStore.put({ hash, classId: `class-${i % classes}`, name: `${i}.jpg`, size: file.size, addedAt: i });
    fileStore.put(file, hash);
    featureStore.put({ hash, space, vector: centre.map((value) => 0.4 * value + normal()) });
  }
  await new Promise<void>((resolve, reject) => {
    writing.oncomplete = () => resolve();
    writing.onabort = () => reject(writing.error);
  });
  database.close();
}
