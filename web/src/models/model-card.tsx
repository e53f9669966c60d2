// What a model says about itself, and what its architecture tells.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { ModelFacts } from "../library.ts";
import type { OpenModel } from "../state/models.ts";
import { Card } from "../ui/controls.tsx";
import { compact, grouped } from "../ui/numbers.ts";

interface ModelCardProps {
  readonly model: OpenModel;
  readonly facts: ModelFacts;
}

export function ModelCard({ model, facts }: ModelCardProps) {
  const { card } = facts;
  return (
    <Card title={model.name}>
      <dl class="facts">
        {factList(facts).map(([title, text]) => (
          <div key={title}>
            <dt>{title}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      {model.notices.value.length > 0 && (
        <div class="said">
          <h3>Noted when it was opened</h3>
          <ul>
            {model.notices.value.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </div>
      )}
      {card.labels !== undefined && <Labels labels={card.labels} />}
      {card.provenance !== undefined && <Provenance provenance={card.provenance} />}
    </Card>
  );
}

function factList(facts: ModelFacts): [title: string, text: ComponentChildren][] {
  const { card, architecture, takes, answers, parameters, macs, size, takesAnySize, steps, tokens, looks } = facts;
  const labels = card.labels;
  return [
    ["Kind", architecture === undefined ? "ONNX file" : `${architecture.name}: ${architecture.paper}`],
    [
      "Says",
      answers === "embedding"
        ? "a vector for each picture, no classes"
        : labels === undefined
          ? "classes without names"
          : `one of ${grouped(labels.length)} classes`,
    ],
    [
      "Sees",
      `${takes}${size === undefined ? "" : ` of ${size.width} × ${size.height} pixels`}${takesAnySize ? ", or any other size" : ""}`,
    ],
    [
      "Looks",
      looks === 0
        ? facts.looksInSteps
          ? `${steps.length} times, a part of the picture each`
          : "at all of the picture"
        : `${looks} times${tokens === undefined ? "" : `, ${tokens.count} regions each`}`,
    ],
    ...(steps.length > 1
      ? [["Can stop", `after ${steps.length - 1} of its ${steps.length} steps, when it is sure`] as [string, string]]
      : []),
    ["Weights", compact(parameters)],
    ...(macs === undefined ? [] : [["A picture costs", `${compact(macs)} multiplications`] as [string, string]]),
    ...(card.transform === undefined
      ? []
      : [["Prepared by", <code>{card.transform}</code>] as [string, ComponentChildren]]),
    ...(card.licence === undefined ? [] : [["Licence", card.licence] as [string, string]]),
  ];
}

const FEW = 60;

function Labels({ labels }: { readonly labels: readonly string[] }) {
  const [wanted, setWanted] = useState("");
  const found = labels.filter((label) => label.toLowerCase().includes(wanted.trim().toLowerCase()));
  return (
    <section class="labels" aria-label="Classes">
      <div class="labels-head">
        <h3>Classes</h3>
        {labels.length > FEW && (
          <input
            type="search"
            class="field"
            placeholder="Find a class"
            aria-label="Find a class"
            value={wanted}
            onInput={({ currentTarget }) => setWanted(currentTarget.value)}
          />
        )}
      </div>
      <ul class="chips">
        {found.slice(0, 3 * FEW).map((label) => (
          <li key={label}>{label}</li>
        ))}
      </ul>
      {found.length > 3 * FEW && <p class="soft small">and {grouped(found.length - 3 * FEW)} more</p>}
      {found.length === 0 && <p class="soft small">It knows no such class.</p>}
    </section>
  );
}

function Provenance({ provenance }: { readonly provenance: NonNullable<ModelFacts["card"]["provenance"]> }) {
  return (
    <details>
      <summary>Where it comes from</summary>
      <dl class="facts">
        {Object.entries(provenance).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{String(value)}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
