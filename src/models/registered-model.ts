// What the registry keeps of a model that has a name. Each family lists its own, in registered.ts beside its code.

export interface OfficialFile {
  readonly url: string;
  /** As the authors state it. */
  readonly licence: string;
}

export interface RegisteredModel {
  readonly name: string;
  /** What timm calls it, where that is something else: folders of its hub are known by that. */
  readonly timmName?: string;
  readonly summary: string;
  readonly architecture: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** Key into labels.ts, or undefined for embeddings. */
  readonly labels?: "imagenet-1k";
  readonly weights?: OfficialFile;
  /** Of a text model: the file that its tokenizer reads. */
  readonly vocabulary?: OfficialFile;
  /** Of a model whose embeddings are compared with texts': the registered text model that gives these. */
  readonly textModel?: string;
  /** Whether that is an assumption, because the model's release does not say it. */
  readonly isTextModelAssumed?: boolean;
}
