// Labels that the splits of one data set spell differently: `train/guinea-pig` and `val/Guinea_Pig` are one class.
import { list } from "./dataset.ts";
import { labelKey, matchNames } from "./labels.ts";
import { type Parts, type Sample, type SamplePart, SPLITS } from "./samples.ts";

/** All splits with the spelling of the first one that has a label, and what a person must know of it. */
export function unifyLabels(parts: Parts): { readonly parts: Parts; readonly notes: readonly string[] } {
  const known = new Set<string>();
  const notes: string[] = [];
  const unified = SPLITS.flatMap((split): [string, SamplePart][] => {
    const part = parts[split];
    if (part === undefined) return [];
    const own = [...new Set(part.samples.flatMap(labelsIn))];
    const renamed = new Map<string, string>();
    if (known.size > 0) {
      const before = [...known];
      const { indices, respelled } = matchNames(own, before);
      for (const [i, index] of indices.entries())
        if (index !== -1 && before[index] !== own[i]) renamed.set(own[i]!, before[index]!);
      if (respelled.length > 0) notes.push(`${split}: ${describeRespelled(respelled)}`);
    }
    for (const label of own) known.add(renamed.get(label) ?? label);
    return [[split, renamed.size === 0 ? part : rename(part, renamed)]];
  });
  return { parts: Object.fromEntries(unified), notes: [...notes, ...alike([...known])] };
}

/** `"Guinea_Pig" is taken for "guinea-pig"`, of a few of many. */
export function describeRespelled(respelled: readonly { readonly wanted: string; readonly known: string }[]): string {
  return list(
    respelled.map(({ wanted, known }) => `"${wanted}" is taken for "${known}"`),
    3,
  );
}

function labelsIn({ label, soft }: Sample): string[] {
  return soft === undefined ? [label] : [...soft.keys()];
}

function rename(part: SamplePart, names: ReadonlyMap<string, string>): SamplePart {
  const named = (label: string) => names.get(label) ?? label;
  return {
    ...part,
    samples: part.samples.map((sample) => ({
      ...sample,
      label: named(sample.label),
      ...(sample.soft === undefined ? {} : { soft: new Map([...sample.soft].map(([name, p]) => [named(name), p])) }),
    })),
  };
}

function alike(labels: readonly string[]): string[] {
  const byKey = new Map<string, string[]>();
  for (const label of labels) byKey.set(labelKey(label), [...(byKey.get(labelKey(label)) ?? []), label]);
  const groups = [...byKey.values()].filter((group) => group.length > 1);
  if (groups.length === 0) return [];
  const named = groups.map((group) => group.map((label) => `"${label}"`).join(" and "));
  return [`classes of their own, though spelled alike: ${list(named, 3)}`];
}
