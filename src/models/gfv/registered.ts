// AdaFocus over TSM by the size of its patches. Its repository states no licence, and its files are on drives that hand out pages: download one by hand.
import type { RegisteredModel } from "../registered-model.ts";

function gfv(patch: number): RegisteredModel {
  return {
    name: `gfv_resnet50_${patch}`,
    summary: `AdaFocus over TSM (GFV): 8 frames at a glance, a patch of ${patch} x ${patch} of 12; Something-Something`,
    architecture: "gfv",
    config: { patch_size: patch },
  };
}

export const registeredGfvs: readonly RegisteredModel[] = [gfv(144), gfv(160), gfv(176)];
