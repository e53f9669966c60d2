import { Classifier, decodeImage, encodeGaze } from "saccade/web";

const input = document.querySelector("input")!;
const status = document.querySelector("[role=status]")!;
const answer = document.querySelector("ol")!;
const gazeImage = document.querySelector("img")!;
const tell = (line: string) => {
  status.textContent = line;
};

const loading = Classifier.load("saccade/photographs", { onNotice: tell });

input.addEventListener("change", async () => {
  const file = input.files?.[0];
  if (file === undefined) return;
  try {
    const classifier = await loading;
    const { predictions, gaze } = await classifier.classify(file, { explain: true });
    const items = predictions.map(({ label, score }) => {
      const item = document.createElement("li");
      item.textContent = `${label} ${Math.round(100 * score)} %`;
      return item;
    });
    answer.replaceChildren(...items);
    if (gaze === undefined) return;
    const picture = await encodeGaze(await decodeImage(file), gaze);
    URL.revokeObjectURL(gazeImage.src);
    gazeImage.src = URL.createObjectURL(new Blob([picture.slice()], { type: "image/png" }));
    gazeImage.alt = `Where the model looked to say ${predictions[0]?.label}`;
    gazeImage.hidden = false;
  } catch (error) {
    tell((error as Error).message);
  }
});
