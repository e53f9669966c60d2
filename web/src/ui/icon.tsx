// Line icons of one weight. They repeat what a name says already, so readers of the screen do not hear them.
const PATHS = {
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12Z M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6Z",
  layers: "M12 3.5 3.5 8 12 12.5 20.5 8 12 3.5Z M3.5 12 12 16.5 20.5 12 M3.5 16 12 20.5 20.5 16",
  columns: "M4 4.5h6v15H4z M14 4.5h6v15h-6z",
  teach: "M12 4v12 M7.5 8.5 12 4l4.5 4.5 M4.5 15v4.5h15V15",
  train: "M3.5 19.5h17 M4 15.5c4 0 4-9 8-9s3.5 5 8 5",
  camera: "M4 8h3l1.5-2.5h7L17 8h3v11H4z M12 10.2a3.2 3.2 0 1 0 0 6.4 3.2 3.2 0 0 0 0-6.4Z",
  picture: "M4 5h16v14H4z M4 16l4.5-4.5 4 4 3-3L20 17 M9 8.8a.8.8 0 1 0 0 1.600.8.8 0 0 0 0-1.600Z",
  folder: "M3.5 6.5h6l2 2.5h9v10h-17z",
  file: "M6.5 3.5h7l4 4v13h-11z M13.5 3.5v4h4",
  play: "M8 5.5v13l10-6.5z",
  pause: "M8.5 5.5v13 M15.5 5.5v13",
  stop: "M6.5 6.5h11v11h-11z",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8Z M12 2.5v2.5 M12 19v2.5 M2.5 12H5 M19 12h2.5 M5.300 5.300 7 7 M17 17l1.700 1.700 M18.700 5.300 17 7 M7 17l-1.700 1.700",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z",
  auto: "M12 3.5a8.5 8.5 0 1 0 0 17z M12 3.5a8.5 8.5 0 0 1 0 17",
  close: "M6 6l12 12 M18 6 6 18",
  check: "M5 12.5l4.5 4.5L19 7.5",
  plus: "M12 5v14 M5 12h14",
  download: "M12 4v11 M7.5 10.5 12 15l4.5-4.5 M4.5 19.5h15",
  lock: "M6 10.5h12v9H6z M8.5 10.5V8a3.5 3.5 0 0 1 7 0v2.5",
  gauge: "M4 17.5a8.5 8.5 0 1 1 16 0 M12 15l4-5",
  trash: "M5 7h14 M9.5 7V4.5h5V7 M7 7l1 12.5h8L17 7",
  flip: "M12 3.5v17 M9 7.5 4 16.5h5z M15 7.5l5 9h-5z",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 20 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
