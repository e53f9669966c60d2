import { expect, it } from "vitest";
import { isAnimationName, isFolderOfFrames, isVideoName } from "./video-files.ts";

it("names of videos, and of pictures that may be some", () => {
  expect(["a.mp4", "A.MOV", "dir.d/b.webm", "c.mkv", "d.ts"].every(isVideoName)).toBe(true);
  expect(["a.jpg", "._a.mp4", "mp4", "a.gif", "a.mp4.txt"].some(isVideoName)).toBe(false);
  expect(["a.gif", "b.WEBP"].every(isAnimationName)).toBe(true);
  expect(isAnimationName("a.png")).toBe(false);
});

it("a folder of pictures is a video where nothing in it is one by itself", () => {
  const entries = (...names: string[]) => names.map((path) => ({ path, isDirectory: path.endsWith("/") }));
  expect(isFolderOfFrames(entries("1.jpg", "2.jpg", "notes.txt", ".hidden.gif"))).toBe(true);
  expect(isFolderOfFrames(entries("1.jpg", "clip.mp4"))).toBe(false);
  expect(isFolderOfFrames(entries("1.webp", "2.jpg"))).toBe(false);
  expect(isFolderOfFrames(entries("more/"))).toBe(false);
});
