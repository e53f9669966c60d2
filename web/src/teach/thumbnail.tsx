// A small picture out of the store, fetched when it comes into sight.
import { useEffect, useRef, useState } from "preact/hooks";
import { collection } from "./collection.ts";

/** A transparent dot, until the picture is there. */
const NOTHING = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";

export function Thumbnail({ hash, name }: { readonly hash: string; readonly name: string }) {
  const element = useRef<HTMLImageElement>(null);
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    const image = element.current;
    if (image === null) return;
    let made: string | undefined;
    let isOver = false;
    const observer = new IntersectionObserver(([entry]) => {
      if (!entry?.isIntersecting) return;
      observer.disconnect();
      void collection()
        .then((store) => store.file(hash))
        .then((file) => {
          if (file === undefined || isOver) return;
          made = URL.createObjectURL(file);
          setUrl(made);
        });
    });
    observer.observe(image);
    return () => {
      isOver = true;
      observer.disconnect();
      if (made !== undefined) URL.revokeObjectURL(made);
    };
  }, [hash]);
  return (
    <img ref={element} class="thumbnail" src={url ?? NOTHING} alt={name} width={72} height={72} decoding="async" />
  );
}
