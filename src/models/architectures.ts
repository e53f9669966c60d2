// Every architecture by name. A new model family adds its line here and its list of named models to registry.ts.
import { adaptivennArchitecture } from "./adaptivenn/architecture.ts";
import type { Architecture } from "./architecture.ts";
import { clipTextArchitecture } from "./clip-text/architecture.ts";
import { convnextArchitecture, isotropicArchitecture } from "./convnext/architecture.ts";
import { crossvitArchitecture } from "./crossvit/architecture.ts";
import { densenetArchitecture } from "./densenet/architecture.ts";
import { dhvtArchitecture } from "./dhvt/architecture.ts";
import { dtopArchitecture } from "./dtop/architecture.ts";
import { duoformerArchitecture } from "./duoformer/architecture.ts";
import { efficientnetArchitecture } from "./efficientnet/architecture.ts";
import { facexformerArchitecture } from "./facexformer/architecture.ts";
import { gaborArchitecture } from "./gabor/architecture.ts";
import { gfnetArchitecture } from "./gfnet/architecture.ts";
import { gfvArchitecture } from "./gfv/architecture.ts";
import { glsimArchitecture } from "./glsim/architecture.ts";
import { lightcnnArchitecture } from "./lightcnn/architecture.ts";
import { lightweightArchitecture } from "./lightweight/architecture.ts";
import { mask2formerArchitecture } from "./mask2former/architecture.ts";
import { mobilenetv2Architecture } from "./mobilenetv2/architecture.ts";
import { mobilenetv3Architecture } from "./mobilenetv3/architecture.ts";

import { paratranscnnArchitecture } from "./paratranscnn/architecture.ts";

import { plainDetrArchitecture } from "./plain-detr/architecture.ts";

import { regnetArchitecture } from "./regnet/architecture.ts";
import { resnetArchitecture } from "./resnet/architecture.ts";
import { rotnetArchitecture } from "./rotnet/architecture.ts";
import { rrformerArchitecture } from "./rrformer/architecture.ts";
import { samArchitecture } from "./sam/architecture.ts";
import { filterFrameArchitecture, scatteringArchitecture } from "./scattering/architecture.ts";
import { singleStageArchitecture } from "./single-stage/architecture.ts";
import { mediaSparseformerArchitecture, sparseformerArchitecture } from "./sparseformer/architecture.ts";
import { sparseDetectorArchitecture } from "./sparseformer/detector-architecture.ts";
import { spartanArchitecture } from "./spartan/architecture.ts";
import { swinArchitecture, swinMlpArchitecture, swinv2Architecture } from "./swin/architecture.ts";
import { terminatorArchitecture } from "./terminator/architecture.ts";
import { tsmArchitecture } from "./tsm/architecture.ts";
import { uniAdafocusArchitecture } from "./uni-adafocus/architecture.ts";
import { vitArchitecture } from "./vit/architecture.ts";

// Each architecture has its own configuration type; here, where configurations are still JSON, the type is forgotten.
type AnyArchitecture = Architecture<unknown>;

const all = [
  sparseformerArchitecture,
  mediaSparseformerArchitecture,
  sparseDetectorArchitecture,
  clipTextArchitecture,
  resnetArchitecture,
  regnetArchitecture,
  mobilenetv2Architecture,
  mobilenetv3Architecture,
  efficientnetArchitecture,
  densenetArchitecture,
  convnextArchitecture,
  isotropicArchitecture,
  spartanArchitecture,
  vitArchitecture,
  swinArchitecture,
  swinv2Architecture,
  swinMlpArchitecture,
  samArchitecture,
  crossvitArchitecture,
  dhvtArchitecture,
  duoformerArchitecture,
  glsimArchitecture,
  lightcnnArchitecture,
  rotnetArchitecture,
  lightweightArchitecture,
  terminatorArchitecture,
  gfnetArchitecture,
  adaptivennArchitecture,
  tsmArchitecture,
  gfvArchitecture,
  uniAdafocusArchitecture,
  dtopArchitecture,
  mask2formerArchitecture,
  plainDetrArchitecture,
  gaborArchitecture,
  scatteringArchitecture,
  filterFrameArchitecture,
  rrformerArchitecture,
  paratranscnnArchitecture,
  facexformerArchitecture,
  singleStageArchitecture,
] as unknown as readonly AnyArchitecture[];

export const architectures: ReadonlyMap<string, AnyArchitecture> = new Map(all.map((a) => [a.name, a]));
