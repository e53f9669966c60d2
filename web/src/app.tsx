// The page around its panels: name, tabs, light and dark, what went wrong, and the promise at the bottom.
import type { ComponentType } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { PANELS, type Panel } from "./panels.ts";
import { addressOf, currentPanel } from "./router.ts";
import { announcement, dismiss, problems, report } from "./state/notices.ts";
import { isKept, takeUpdate, update } from "./state/offline.ts";
import { THEMES, type Theme, theme } from "./state/theme.ts";
import { Button, IconButton, ProblemBox, Progress } from "./ui/controls.tsx";
import { Icon, type IconName } from "./ui/icon.tsx";

export function App() {
  return (
    <>
      <button type="button" class="skip" onClick={skipToMain}>
        Skip to the content
      </button>
      <header class="top">
        <a class="brand" href={addressOf(PANELS[0].id)} aria-label="Saccade, to the first panel">
          <Mark />
          <span>Saccade</span>
        </a>
        <Tabs />
        <ThemeButton />
      </header>
      <main id="main" tabIndex={-1}>
        <div class="problems">
          <UpdateOffer />
          {problems.value.map((problem) => (
            <ProblemBox key={problem.id} problem={problem} onDismiss={() => dismiss(problem.id)} />
          ))}
        </div>
        <CurrentPanel />
      </main>
      <footer class="bottom">
        <Icon name="lock" size={16} />
        <p>
          Nothing leaves this machine: pictures, models and answers stay in this browser.
          {isKept.value && " The page works without a network."}
        </p>
      </footer>
      <div class="heard" role="status" aria-live="polite">
        {announcement.value}
      </div>
    </>
  );
}

/** A button and no link: what stands behind the # is the panel's. */
function skipToMain(): void {
  document.getElementById("main")?.focus();
}

function UpdateOffer() {
  if (update.value === undefined) return null;
  return (
    <div class="offer">
      <p>A newer version of this page is ready. Taking it begins anew: pictures on the screen are gone then.</p>
      <Button onClick={takeUpdate}>Take it</Button>
    </div>
  );
}

function Tabs() {
  const current = currentPanel.value;
  return (
    <nav class="tabs" aria-label="Panels">
      {PANELS.map(({ id, title, icon }) => (
        <a key={id} href={addressOf(id)} {...(id === current.id ? { "aria-current": "page" as const } : {})}>
          <Icon name={icon} />
          <span>{title}</span>
        </a>
      ))}
    </nav>
  );
}

const THEME_ICONS: Readonly<Record<Theme, IconName>> = { auto: "auto", light: "sun", dark: "moon" };
const THEME_NAMES: Readonly<Record<Theme, string>> = { auto: "as the system", light: "light", dark: "dark" };

function ThemeButton() {
  const { value } = theme;
  const next = THEMES[(THEMES.indexOf(value) + 1) % THEMES.length]!;
  const label = `Colours: ${THEME_NAMES[value]}. Change to ${THEME_NAMES[next]}`;
  const change = () => {
    theme.value = next;
  };
  return <IconButton icon={THEME_ICONS[value]} label={label} onClick={change} />;
}

/** Fetches a panel when it is first shown. */
function CurrentPanel() {
  const panel = currentPanel.value;
  const [shown, setShown] = useState<{ readonly panel: Panel; readonly component: ComponentType }>();
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = `${panel.title} · Saccade`;
    let isLate = false;
    panel
      .load()
      .then(({ default: component }) => {
        if (isLate) return;
        setShown({ panel, component });
        // Whoever changed panels with the keyboard goes on inside of the new one.
        if (!isFirst.current) document.getElementById("main")?.focus({ preventScroll: true });
        isFirst.current = false;
        scrollTo(0, 0);
      })
      .catch(report);
    return () => {
      isLate = true;
    };
  }, [panel]);
  if (shown?.panel !== panel) return <Progress label={`Opening ${panel.title}`} />;
  const Component = shown.component;
  return <Component />;
}

/** A few looks, and the last one is what was seen. */
function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" width="30" height="30" aria-hidden="true">
      <rect width="32" height="32" rx="9" />
      <path d="M8 21 14 11l5 9 5-11" />
      <circle cx="8" cy="21" r="2" />
      <circle cx="14" cy="11" r="2" />
      <circle cx="19" cy="20" r="2" />
      <circle class="seen" cx="24" cy="9" r="3" />
    </svg>
  );
}
