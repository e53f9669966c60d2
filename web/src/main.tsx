// The page begins here.
import { render } from "preact";
import { App } from "./app.tsx";
import { ownModel } from "./own/mode.ts";
import { keepPage } from "./state/offline.ts";
import { listenForLoss } from "./state/unexpected.ts";
import "./styles/page.css";

listenForLoss();
const own = ownModel();
const place = document.getElementById("app")!;
if (own === undefined) {
  render(<App />, place);
  keepPage();
} else void import("./own/own-page.tsx").then(({ OwnPage }) => render(<OwnPage model={own} />, place));
