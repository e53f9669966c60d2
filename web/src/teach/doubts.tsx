// Pictures that contradict their label: most of them are in the wrong class, or show several things.
import { useState } from "preact/hooks";
import { report } from "../state/notices.ts";
import { Button, Card } from "../ui/controls.tsx";
import { classes, confirmPictures, movePictures, removePictures } from "./collection.ts";
import { openDoubts } from "./learning.ts";
import { Thumbnail } from "./thumbnail.tsx";

const SHOWN = 8;

export function Doubts() {
  const [shown, setShown] = useState(SHOWN);
  const all = openDoubts.value;
  if (all.length === 0) return null;
  const move = (hash: string, name: string) => {
    const target = classes.value.find((one) => one.name === name);
    if (target !== undefined) void movePictures([hash], target.id).catch(report);
  };
  return (
    <Card title="Look at these again">
      <p class="soft">
        {all.length === 1 ? "One picture looks" : `${all.length} pictures look`} like another class than the one it is
        in. Say what is right, then learn again.
      </p>
      <ul class="doubts">
        {all.slice(0, shown).map(({ hash, picture, label, suggested, confidence }) => (
          <li key={hash}>
            <Thumbnail hash={hash} name={picture.name} />
            <div>
              <p>
                In “{label}”, looks like “{suggested}”{" "}
                <span class="number soft">({Math.round(100 * confidence)} %)</span>
              </p>
              <div class="row">
                <Button onClick={() => move(hash, suggested)}>Move to “{suggested}”</Button>
                <Button kind="quiet" onClick={() => void confirmPictures([hash]).catch(report)}>
                  It is right
                </Button>
                <Button kind="quiet" onClick={() => void removePictures([hash]).catch(report)}>
                  Remove
                </Button>
              </div>
            </div>
          </li>
        ))}
      </ul>
      {all.length > shown && (
        <Button kind="quiet" onClick={() => setShown(shown + 4 * SHOWN)}>
          Show more ({all.length - shown})
        </Button>
      )}
    </Card>
  );
}
