// What the registry keeps of a model that has a name. Each family lists its own, in registered.ts beside its code.

export interface OfficialWeights {
  readonly url: string;
  /** As the authors state it. */
  readonly licence: string;
}

export interface RegisteredModel {
  readonly name: string;
  readonly summary: string;
  readonly architecture: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** Key into labels.ts, or undefined for embeddings. */
  readonly labels?: "imagenet-1k";
  readonly weights?: OfficialWeights;
}
