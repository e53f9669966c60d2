// From labels to the sentences that a text model reads: it has seen captions in training, and hardly any single words.
import { UsageError } from "../../errors.ts";
import { cleanText } from "../../text/tokenizer.ts";

/** What a label is said in when nobody says otherwise: one thing under several circumstances, of which the mean is taken. */
export const DEFAULT_TEMPLATES: readonly string[] = [
  "a photo of {a}.",
  "a close-up photo of {a}.",
  "a blurry photo of {a}.",
  "a bright photo of {a}.",
  "a dark photo of {a}.",
  "a photo of {a}, seen from far away.",
  "a picture with {a} in it.",
];

/** What may stand for a label in a template, and what it becomes. */
const FORMS: Readonly<Record<string, (label: string) => string>> = {
  "": (label) => label,
  a: (label) => (ARTICLE.test(label) ? label : `${/^[aeiou]/i.test(label) ? "an" : "a"} ${label}`),
};

const ARTICLE = /^(?:a|an|the)\s+/i;
const PLACE = /\{([^{}]*)\}/g;
/** A template that has an article of its own needs none of the label. */
const OWN_ARTICLE = /\b(a|an|the)\s+\{\}/gi;

/**
 * Refuses templates that say nothing of a label.
 *
 * @throws UsageError for a template without a place for the label, with an unknown form of it, or for none at all
 */
export function requireTemplates(templates: readonly string[]): void {
  if (templates.length === 0) throw new UsageError("there is no template", 'one is "a photo of {a}."');
  for (const template of templates) {
    const forms = [...template.matchAll(PLACE)].map(([, form]) => form!);
    const known = 'write {} where the label stands, or {a} for the label with "a" or "an" before it';
    if (forms.length === 0) throw new UsageError(`the template "${template}" has no place for the label`, known);
    const unknown = forms.find((form) => !Object.hasOwn(FORMS, form));
    if (unknown !== undefined)
      throw new UsageError(`the template "${template}" has an unknown form: {${unknown}}`, known);
  }
}

/**
 * Refuses labels that cannot be told apart.
 *
 * @throws UsageError for fewer than two, for an empty one, and for two that the text model reads as the same
 */
export function requireLabels(labels: readonly string[]): void {
  const seen = new Map<string, number>();
  for (const [i, label] of labels.entries()) {
    const text = cleanText(label);
    if (text === "") throw new UsageError(`label ${i + 1} of ${labels.length} is empty`, "leave it out");
    const other = seen.get(text);
    if (other !== undefined)
      throw new UsageError(
        `labels ${other + 1} and ${i + 1} are the same: "${labels[other]}"`,
        "leave one of them out",
      );
    seen.set(text, i);
  }
  if (labels.length < 2)
    throw new UsageError(
      labels.length === 0 ? "there are no labels" : "one label alone is always right",
      "give at least two, one of which may be what the picture shows otherwise",
    );
}

/** A label in a template. */
export function promptOf(template: string, label: string): string {
  const text = label.trim();
  const bare = text.replace(ARTICLE, "");
  const said = template.replace(OWN_ARTICLE, (_, article: string) => `${article} ${bare}`);
  return said.replace(PLACE, (_, form: string) => FORMS[form]!(text));
}
