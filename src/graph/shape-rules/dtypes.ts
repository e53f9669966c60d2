// Groups of element types that rules name.
import type { GraphDType } from "../ops.ts";

export type GraphDTypeList = readonly GraphDType[];
export const FLOATS: GraphDTypeList = ["float32", "float16"];
export const numeric: GraphDTypeList = ["float32", "float16", "int64", "int32", "uint8", "int8"];
