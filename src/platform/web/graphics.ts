// What WebGPU finds here, before anything of the engine is fetched.

/** An adapter that sessions may run on. */
export interface Adapter {
  /** For people: "nvidia ampere". */
  readonly name: string;
  /** Computed by the processor: far slower than WebAssembly. */
  readonly isSoftware: boolean;
  /** Whether it computes in half precision. */
  readonly hasHalf: boolean;
}

/** The part of WebGPU that is asked; TypeScript's libraries have none of it yet. */
interface Gpu {
  requestAdapter(options?: { powerPreference?: "high-performance" }): Promise<GpuAdapter | null>;
}
interface GpuAdapter {
  readonly features: { has(name: string): boolean };
  readonly info?: {
    readonly vendor: string;
    readonly architecture: string;
    readonly description: string;
    readonly isFallbackAdapter?: boolean;
  };
  /** Where older browsers say it. */
  readonly isFallbackAdapter?: boolean;
}

/** The adapter, or why there is none. */
export async function findAdapter(): Promise<Adapter | string> {
  const { gpu } = navigator as { readonly gpu?: Gpu };
  if (gpu === undefined)
    return isSecureContext ? "this browser has no WebGPU" : "WebGPU is only for pages with a secure address (https)";
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" }).catch(() => null);
  if (adapter === null) return "WebGPU finds no adapter here";
  const { info } = adapter;
  return {
    name: [info?.vendor, info?.architecture, info?.description].filter(Boolean).join(" ") || "unnamed",
    isSoftware: info?.isFallbackAdapter ?? adapter.isFallbackAdapter ?? false,
    hasHalf: adapter.features.has("shader-f16"),
  };
}
