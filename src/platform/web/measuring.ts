// What benchmarks need of a page besides a Host. Browsers tell nobody who uses the processor, and have no processes to start.
import { SessionError } from "../../errors.ts";
import type { RawImage } from "../../image/raw-image.ts";
import type { MeasuringHost } from "../host.ts";
import type { WebHost } from "./host.ts";
import { encodedPicture } from "./png.ts";

export function measuringHost(host: WebHost): MeasuringHost {
  return {
    ...host,
    platform: platformName(),
    runtime: browserName(),
    now: () => performance.now(),
    date: () => new Date().toISOString(),
    readLoad: () => ({ wallMs: performance.now(), processMs: 0, machineMs: undefined }),
    encodeJpeg,
    runFresh: () => Promise.reject(notInPages("memory and cold start are measured in processes of their own")),
    trace: () => Promise.reject(notInPages("operators are traced by the native engine")),
  };
}

function notInPages(reason: string): SessionError {
  return new SessionError(`${reason}, which a page does not have`, { hint: "measure them with: saccade bench" });
}

/** Chromium says it apart; the others in a sentence. */
interface UserAgentData {
  readonly platform: string;
  readonly brands: readonly { readonly brand: string; readonly version: string }[];
}

const agentData = () => (navigator as { readonly userAgentData?: UserAgentData }).userAgentData;

const platformName = () => agentData()?.platform.toLowerCase() || navigator.platform || "unknown";

function browserName(): string {
  const brand = agentData()?.brands.find(({ brand }) => !/not.a.brand/i.test(brand));
  if (brand !== undefined) return `${brand.brand} ${brand.version}`;
  return /(?:Firefox|Version|Chrome)\/[\d.]+/.exec(navigator.userAgent)?.[0].replace("/", " ") ?? "a browser";
}

/** As PIL's quality, 1 to 100. */
async function encodeJpeg(image: RawImage, quality = 92): Promise<Uint8Array> {
  return encodedPicture(image, "image/jpeg", quality / 100);
}
