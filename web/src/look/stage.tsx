// The picture with the gaze over it, look by look.
import { useEffect, useState } from "preact/hooks";
import { GazeLayer } from "../gaze/gaze-layer.tsx";
import { describeLook } from "../gaze/looks.ts";
import type { Looked } from "../looker.ts";
import type { Picture } from "../state/pictures.ts";
import { IconButton } from "../ui/controls.tsx";

/** How long a look stays before the next one, in milliseconds. */
const STAY_MS = 1100;

const NO_LOOKS: Looked["looks"] = [];

interface StageProps {
  readonly picture: Picture;
  /** undefined while it is being looked at. */
  readonly looked: Looked | undefined;
  readonly isBroken: boolean;
}

export function Stage({ picture, looked, isBroken }: StageProps) {
  const looks = looked?.looks ?? NO_LOOKS;
  const [at, setAt] = useState(0);
  const [isPlaying, setPlaying] = useState(true);
  const [isHeat, setHeat] = useState(false);
  // Another answer is told from its beginning, and comes to rest at its end.
  useEffect(() => {
    setAt(looks.length === 0 ? 0 : 1);
    setPlaying(looks.length > 1);
  }, [looks]);
  useEffect(() => {
    if (!isPlaying) return;
    const timer = setTimeout(() => (at < looks.length ? setAt(at + 1) : setPlaying(false)), STAY_MS);
    return () => clearTimeout(timer);
  }, [isPlaying, at, looks.length]);
  const play = () => {
    if (!isPlaying && at >= looks.length) setAt(1);
    setPlaying(!isPlaying);
  };
  return (
    <figure class="stage">
      <div class="stage-picture">
        {isBroken ? (
          <p class="stage-broken">This file cannot be shown as a picture.</p>
        ) : (
          <div class="gaze-frame">
            <img src={picture.url} alt={picture.name} />
            <GazeLayer look={looks[at - 1]} frame={looked?.frame} heat={isHeat} />
          </div>
        )}
        {looked === undefined && !isBroken && <span class="stage-busy" aria-hidden="true" />}
      </div>
      {looks.length > 0 && (
        <div class="look-controls">
          <IconButton
            icon={isPlaying ? "pause" : "play"}
            label={isPlaying ? "Stop here" : "Show the looks one after another"}
            onClick={play}
          />
          <input
            type="range"
            aria-label="Look"
            aria-valuetext={nameOf(looked, at)}
            min={0}
            max={looks.length}
            step={1}
            value={at}
            onInput={({ currentTarget }) => {
              setPlaying(false);
              setAt(Number(currentTarget.value));
            }}
          />
          <output class="look-name">{nameOf(looked, at)}</output>
          <label class="check">
            <input type="checkbox" checked={isHeat} onChange={({ currentTarget }) => setHeat(currentTarget.checked)} />
            Heat
          </label>
        </div>
      )}
    </figure>
  );
}

function nameOf(looked: Looked | undefined, at: number): string {
  const look = looked?.looks[at - 1];
  return look === undefined ? "The picture" : describeLook(look);
}
