import { Classifier, decodeImage, encodeGaze } from "saccade/web";

const [input, status, answer, gazeImage] = ["input", "[role=status]", "ol", "img"].map((name) =>
  document.querySelector(name),
);
const tell = (line) => {
  status.textContent = line;
};

const loading = Classifier.load("saccade/photographs", { onNotice: tell });

input.addEventListener("change", async () => {
  try {
    const classifier = await loading;
    const { predictions, gaze } = await classifier.classify(input.files[0], { explain: true });
    const items = predictions.map(({ label, score }) => {
      const item = document.createElement("li");
      item.textContent = `${label} ${Math.round(100 * score)} %`;
      return item;
    });
    answer.replaceChildren(...items);
    const picture = await encodeGaze(await decodeImage(input.files[0]), gaze);
    URL.revokeObjectURL(gazeImage.src);
    gazeImage.src = URL.createObjectURL(new Blob([picture], { type: "image/png" }));
    gazeImage.alt = `Where the model looked to say ${predictions[0].label}`;
    gazeImage.hidden = false;
  } catch (error) {
    tell(error.message);
  }
});
