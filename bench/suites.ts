// The measurements whose results are checked in: each is one command of `saccade bench`, and takes less than four minutes on two cores.

export interface Suite {
  readonly name: string;
  /** What it is to show, for docs/benchmarks.md. */
  readonly title: string;
  /** Of `saccade bench`. */
  readonly args: readonly string[];
}

const SPARSEFORMER = "sparseformer_v1_tiny";

export const SUITES: readonly Suite[] = [
  {
    name: "headline",
    title: "At 224 pixels",
    args: [
      SPARSEFORMER,
      "swin_tiny_patch4_window7_224",
      "convnext_tiny",
      "deit_small_patch16_224",
      "resnet50",
      "efficientnet_b0",
      "mobilenetv3_large_100",
      ...["--resolution", "224", "--batch", "1,8", "--seconds", "75", "--parts"],
    ],
  },
  {
    name: "resolution",
    title: "Larger pictures",
    args: [
      `${SPARSEFORMER}@224,384,512,768,1024,2048`,
      "convnext_tiny@224,384,512,768,1024",
      "swin_tiny_patch4_window7_224@224,384,512,768,1024",
      "resnet50@224,384,512,768,1024",
      ...["--seconds", "75"],
    ],
  },
  {
    name: "precision",
    title: "Eight bits",
    args: [
      SPARSEFORMER,
      "deit_small_patch16_224",
      "swin_tiny_patch4_window7_224",
      "saccade/everyday",
      ...["--precision", "float32,int8", "--batch", "1,8", "--seconds", "60"],
    ],
  },
  {
    name: "tokens",
    title: "Fewer tokens",
    args: [
      "deit_small_patch16_224",
      ...[
        "keep=0.7@3,6,9:prune",
        "keep=0.7@3,6,9:evit",
        "keep=0.5@3,6,9:evit",
        "merge=13:tome",
        "merge=16:tome",
        "transform=0.6@3,6,9:transforming",
      ].flatMap((tokens) => ["--tokens", tokens]),
      ...["--device", "cpu", "--threads", "1", "--batch", "1,8", "--seconds", "100", "--no-memory"],
    ],
  },
];
