// What nobody caught is said in words too, once, and never as a stack trace.
import { report } from "./notices.ts";

export function listenForLoss(): void {
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    report(event.reason);
  });
  addEventListener("error", (event) => {
    // Browsers tell of resize observers that they had too much to do in one frame; it is no fault.
    if (event.message.includes("ResizeObserver")) return;
    report(event.error ?? new Error(event.message));
  });
}
