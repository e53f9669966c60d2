// The nine released Uni-AdaFocus-TSM (LeapLabTHU/Uni-AdaFocus, Uni-AdaFocus-TSM, README). Their files are on a drive that hands out pages, not files, to
// programs: download one by hand and load it with the name of its model.
import type { RegisteredModel } from "../registered-model.ts";

const DATASETS = {
  sthv1: { title: "Something-Something V1", classes: 174 },
  sthv2: { title: "Something-Something V2", classes: 174 },
  jester: { title: "Jester", classes: 27 },
} as const;

/** `focus` frames of three times as many that a clip brings. */
function released(dataset: keyof typeof DATASETS, patch: number, focus: number): RegisteredModel {
  const { title, classes } = DATASETS[dataset];
  return {
    name: `uni_adafocus_tsm_${dataset}_p${patch}_8and${focus}`,
    summary: `Uni-AdaFocus over TSM: a glance at 8 frames, and patches of ${patch} x ${patch} of ${focus} chosen ones, ${title}`,
    architecture: "uni_adafocus",
    config: {
      num_class: classes,
      num_glance_segments: 8,
      num_input_focus_segments: 3 * focus,
      num_focus_segments: focus,
      patch_size: patch,
      stn_hidden_dim: 128,
      temporal_hidden_dim: 64,
    },
  };
}

export const registeredUniAdafocus: readonly RegisteredModel[] = [
  ...(["sthv1", "sthv2"] as const).flatMap((dataset) => [
    released(dataset, 96, 8),
    released(dataset, 96, 12),
    released(dataset, 128, 12),
    released(dataset, 128, 16),
  ]),
  released("jester", 128, 12),
];
