// Buttons, file choosers and messages: what all panels are made of.
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { chosenFiles, type IncomingFile } from "../incoming-files.ts";
import type { Problem } from "../problems.ts";
import { Icon, type IconName } from "./icon.tsx";

interface ButtonProps {
  readonly children: ComponentChildren;
  readonly onClick: () => void;
  readonly icon?: IconName;
  readonly kind?: "primary" | "plain" | "quiet";
  readonly disabled?: boolean;
  /** For buttons that are on or off. */
  readonly pressed?: boolean;
  readonly title?: string;
}

export function Button({ children, onClick, icon, kind = "plain", disabled, pressed, title }: ButtonProps) {
  return (
    <button
      type="button"
      class={`button ${kind}`}
      onClick={onClick}
      disabled={disabled ?? false}
      {...(pressed === undefined ? {} : { "aria-pressed": pressed })}
      {...(title === undefined ? {} : { title })}
    >
      {icon && <Icon name={icon} size={18} />}
      <span>{children}</span>
    </button>
  );
}

/** A button that is only an icon; `label` is its name. */
export function IconButton({
  icon,
  label,
  onClick,
  pressed,
  disabled,
}: {
  readonly icon: IconName;
  readonly label: string;
  readonly onClick: () => void;
  readonly pressed?: boolean;
  readonly disabled?: boolean;
}) {
  return (
    <button
      type="button"
      class="button icon-only"
      aria-label={label}
      title={label}
      onClick={onClick}
      disabled={disabled ?? false}
      {...(pressed === undefined ? {} : { "aria-pressed": pressed })}
    >
      <Icon name={icon} size={18} />
    </button>
  );
}

interface FileButtonProps {
  readonly children: ComponentChildren;
  readonly onFiles: (files: IncomingFile[]) => void;
  readonly icon?: IconName;
  readonly kind?: "primary" | "plain" | "quiet";
  /** File types, as the accept attribute takes them. */
  readonly accept?: string;
  readonly multiple?: boolean;
  /** Choose a folder with all it holds. */
  readonly folder?: boolean;
  /** Phones open their camera. */
  readonly capture?: "environment" | "user";
}

/** A button that opens the file chooser. */
export function FileButton({
  children,
  onFiles,
  icon,
  kind,
  accept,
  multiple = false,
  folder = false,
  capture,
}: FileButtonProps) {
  const input = useRef<HTMLInputElement>(null);
  const attributes = {
    ...(accept === undefined ? {} : { accept }),
    ...(capture === undefined ? {} : { capture }),
    ...(folder ? { webkitdirectory: true } : {}),
  };
  return (
    <>
      <input
        ref={input}
        type="file"
        hidden
        multiple={multiple || folder}
        {...attributes}
        onChange={({ currentTarget }) => onFiles(chosenFiles(currentTarget))}
      />
      <Button
        {...(icon === undefined ? {} : { icon })}
        {...(kind === undefined ? {} : { kind })}
        onClick={() => input.current?.click()}
      >
        {children}
      </Button>
    </>
  );
}

/** Something that went wrong, beside what it concerns. */
export function ProblemBox({ problem, onDismiss }: { readonly problem: Problem; readonly onDismiss?: () => void }) {
  return (
    <div class="problem" role="alert">
      <div>
        <p class="problem-message">{problem.message}</p>
        {problem.hint && <p class="problem-hint">{problem.hint}</p>}
      </div>
      {onDismiss && <IconButton icon="close" label="Put this message away" onClick={onDismiss} />}
    </div>
  );
}

/** How far something is; without `value` it is only under way. */
export function Progress({ label, value }: { readonly label: string; readonly value?: number }) {
  return (
    <div class="progress">
      <span class="progress-label">{label}</span>
      <progress aria-label={label} {...(value === undefined ? {} : { value, max: 1 })} />
    </div>
  );
}

/** A surface with a heading. */
export function Card({
  title,
  children,
  actions,
}: {
  readonly title?: string;
  readonly children: ComponentChildren;
  readonly actions?: ComponentChildren;
}) {
  return (
    <section class="card" {...(title === undefined ? {} : { "aria-label": title })}>
      {(title !== undefined || actions !== undefined) && (
        <header class="card-header">
          {title !== undefined && <h2>{title}</h2>}
          {actions}
        </header>
      )}
      {children}
    </section>
  );
}
