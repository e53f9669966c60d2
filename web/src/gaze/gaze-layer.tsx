// A canvas that covers its picture and shows one look; from look to look its regions and points move, as an eye does.
import { useEffect, useRef } from "preact/hooks";
import { drawGaze } from "./draw-gaze.ts";
import { between, describeLook, type Frame, type Look } from "./looks.ts";
import "./gaze.css";

const MOVE_MS = 420;

export interface GazeLayerProps {
  readonly look: Look | undefined;
  readonly frame?: Frame | undefined;
  readonly heat?: boolean;
  /** Jump instead of moving: for the camera, whose looks come one after another anyway. */
  readonly jumps?: boolean;
}

const wantsCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
/** Fast away, and slowly to rest. */
const eased = (part: number) => 1 - (1 - part) ** 3;

export function GazeLayer({ look, frame, heat = false, jumps = false }: GazeLayerProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const shown = useRef<Look | undefined>(undefined);
  useEffect(() => {
    const element = canvas.current;
    if (element === null) return;
    const draw = (now: Look | undefined) => {
      shown.current = now;
      drawGaze(element, element.clientWidth, element.clientHeight, { look: now, frame, heat });
    };
    const from = shown.current;
    const moves = from !== undefined && look !== undefined && from !== look && !jumps && !wantsCalm();
    let request = 0;
    if (!moves) draw(look);
    else {
      const start = performance.now();
      const step = (now: number) => {
        const part = Math.min(1, (now - start) / MOVE_MS);
        draw(part === 1 ? look : between(from, look, eased(Math.max(0, part))));
        if (part < 1) request = requestAnimationFrame(step);
      };
      request = requestAnimationFrame(step);
    }
    const resized = new ResizeObserver(() => draw(shown.current));
    resized.observe(element);
    return () => {
      cancelAnimationFrame(request);
      resized.disconnect();
    };
  }, [look, frame, heat, jumps]);
  const label = look === undefined ? "No look yet" : `Where it looked: ${describeLook(look)}`;
  return <canvas ref={canvas} class="gaze-layer" role="img" aria-label={label} />;
}
