// What a person taught: classes, pictures, and the features that were computed of them. Kept by the browser, so that it is there after a reload.
import { answerOf, finished, openDatabase } from "./database.ts";

export interface StoredClass {
  readonly id: string;
  readonly name: string;
  /** Place among the classes. */
  readonly order: number;
}

export interface StoredPicture {
  /** SHA-256 of its file, hexadecimal: a picture is in one class. */
  readonly hash: string;
  readonly classId: string;
  /** For people: the file's name, or when it was filmed. */
  readonly name: string;
  /** Bytes of its file. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly addedAt: number;
  /** A person looked at it and says that its label is right. */
  readonly kept?: boolean;
}

/** A picture with its file. */
export interface PictureWithFile extends StoredPicture {
  readonly file: Blob;
}

export interface Contents {
  readonly classes: readonly StoredClass[];
  readonly pictures: readonly StoredPicture[];
}

interface FeatureRow {
  readonly hash: string;
  /** Identity of the embedding space. */
  readonly space: string;
  readonly vector: Float32Array;
}

const VERSION = 1;
const STORES = ["classes", "pictures", "files", "features"] as const;

export class TeachStore {
  readonly #database: IDBDatabase;

  private constructor(database: IDBDatabase) {
    this.#database = database;
  }

  static async open(name = "saccade-teach"): Promise<TeachStore> {
    const database = await openDatabase(name, VERSION, (made) => {
      made.createObjectStore("classes", { keyPath: "id" });
      made.createObjectStore("pictures", { keyPath: "hash" });
      made.createObjectStore("files");
      // By [hash, space], so that a picture is forgotten with all that was computed of it.
      made.createObjectStore("features", { keyPath: ["hash", "space"] }).createIndex("space", "space");
    });
    // Another tab with a newer page must be able to change it.
    database.onversionchange = () => database.close();
    return new TeachStore(database);
  }

  async contents(): Promise<Contents> {
    const reading = this.#database.transaction(["classes", "pictures"]);
    const classes = answerOf<StoredClass[]>(reading.objectStore("classes").getAll());
    const pictures = answerOf<StoredPicture[]>(reading.objectStore("pictures").getAll());
    return {
      classes: (await classes).sort((a, b) => a.order - b.order),
      pictures: (await pictures).sort((a, b) => a.addedAt - b.addedAt || (a.hash < b.hash ? -1 : 1)),
    };
  }

  putClass(entry: StoredClass): Promise<void> {
    return this.#write(["classes"], (stores) => stores.classes!.put(entry));
  }

  /** Deletes a class with its pictures. */
  removeClass(id: string, hashes: readonly string[]): Promise<void> {
    return this.#write(STORES, (stores) => {
      stores.classes!.delete(id);
      for (const hash of hashes) removePicture(stores, hash);
    });
  }

  /** All of them or none. */
  putPictures(pictures: readonly PictureWithFile[]): Promise<void> {
    return this.#write(["pictures", "files"], ({ pictures: facts, files }) => {
      for (const { file, ...picture } of pictures) {
        facts!.put(picture);
        files!.put(file, picture.hash);
      }
    });
  }

  /** Changes what is known of pictures that are there. */
  changePictures(pictures: readonly StoredPicture[]): Promise<void> {
    return this.#write(["pictures"], ({ pictures: facts }) => {
      for (const picture of pictures) facts!.put(picture);
    });
  }

  removePictures(hashes: readonly string[]): Promise<void> {
    return this.#write(["pictures", "files", "features"], (stores) => {
      for (const hash of hashes) removePicture(stores, hash);
    });
  }

  /** undefined when there is none. */
  file(hash: string): Promise<Blob | undefined> {
    return answerOf(this.#database.transaction("files").objectStore("files").get(hash));
  }

  /** All features of a space that are known, by the picture's hash. */
  async features(space: string): Promise<Map<string, Float32Array>> {
    const index = this.#database.transaction("features").objectStore("features").index("space");
    const rows = await answerOf<FeatureRow[]>(index.getAll(space));
    return new Map(rows.map(({ hash, vector }) => [hash, vector]));
  }

  putFeatures(space: string, features: Iterable<readonly [hash: string, vector: Float32Array]>): Promise<void> {
    return this.#write(["features"], ({ features: store }) => {
      for (const [hash, vector] of features) store!.put({ hash, space, vector } satisfies FeatureRow);
    });
  }

  /** Forgets everything. */
  clear(): Promise<void> {
    return this.#write(STORES, (stores) => {
      for (const store of Object.values(stores)) store.clear();
    });
  }

  close(): void {
    this.#database.close();
  }

  async #write(names: readonly (typeof STORES)[number][], work: (stores: Stores) => void): Promise<void> {
    const transaction = this.#database.transaction(names, "readwrite");
    const done = finished(transaction);
    work(Object.fromEntries(names.map((name) => [name, transaction.objectStore(name)])));
    await done;
  }
}

type Stores = { readonly [name in (typeof STORES)[number]]?: IDBObjectStore };

function removePicture({ pictures, files, features }: Stores, hash: string): void {
  pictures!.delete(hash);
  files!.delete(hash);
  features!.delete(IDBKeyRange.bound([hash], [hash, []]));
}
