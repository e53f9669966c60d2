"use client";
import { useEffect, useRef, useState } from "react";
import { Classifier, decodeImage, encodeGaze } from "saccade/web";

export function Recognise() {
  const loading = useRef();
  const [notice, setNotice] = useState("");
  const [answer, setAnswer] = useState({ predictions: [] });

  // Loaded in the browser, not where the page is rendered beforehand.
  useEffect(() => {
    const classifier = Classifier.load("saccade/photographs", { onNotice: setNotice });
    classifier.catch((error) => setNotice(error.message));
    loading.current = classifier;
    return () => {
      classifier.then(
        (loaded) => loaded.dispose(),
        () => {},
      );
    };
  }, []);

  async function recognise(file) {
    try {
      const classifier = await loading.current;
      const { predictions, gaze } = await classifier.classify(file, { explain: true });
      const picture = await encodeGaze(await decodeImage(file), gaze);
      setAnswer({ predictions, gaze: URL.createObjectURL(new Blob([picture], { type: "image/png" })) });
    } catch (error) {
      setNotice(error.message);
    }
  }

  return (
    <>
      <label>
        A picture <input type="file" accept="image/*" onChange={({ target }) => recognise(target.files[0])} />
      </label>
      <p role="status">{notice}</p>
      <ol>
        {answer.predictions.map(({ label, score }) => (
          <li key={label}>
            {label} {Math.round(100 * score)} %
          </li>
        ))}
      </ol>
      {/* biome-ignore lint/performance/noImgElement: made in the page, nothing for a server to optimise */}
      {answer.gaze && <img src={answer.gaze} alt={`Where the model looked to say ${answer.predictions[0].label}`} />}
    </>
  );
}
