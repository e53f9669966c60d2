// The page begins here.
import { render } from "preact";
import { App } from "./app.tsx";
import { keepPage } from "./state/offline.ts";
import { listenForLoss } from "./state/unexpected.ts";
import "./styles/page.css";

listenForLoss();
render(<App />, document.getElementById("app")!);
keepPage();
