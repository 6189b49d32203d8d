import { type ScalarTag, stringify } from 'yaml'
import { exactNumber, isExactNumber, stringifyExactly } from '../exactNumbers.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import { LENGTHS, MAX_TEMPERATURE } from '../valueChecks.ts'
import { asText, bounded, figureIn, MAX_NAME_LENGTH, sortKeys } from './recordReading.ts'

/**
 * The configuration that a run was made with, as Arc versions it. The YAML starts with `model` and `temperature`;
 * the settings follow in the order given, the keys within each sorted, so that runs with equal settings give
 * equal bytes whatever the order in their files.
 */
export function runConfiguration(
  nameParts: (string | null)[],
  model: string | null,
  temperature: JsonValue | undefined,
  settings: JsonObject,
): { name: string; yaml: string } {
  const sorted = Object.entries(settings).map(([key, value]) => [key, sortKeys(value)])
  const tree = {
    model: modelOrUnknown(model),
    temperature: temperatureOf(temperature),
    ...Object.fromEntries(sorted),
  }
  // lineWidth 0: folded lines would make a policy's text unreadable in a diff.
  const yaml = stringify(tree, {
    lineWidth: 0,
    aliasDuplicateObjects: false,
    customTags: (tags) => [EXACT_NUMBER, ...tags],
  })
  return { name: bounded(nameParts.flatMap((part) => asText(part) ?? []).join(' '), MAX_NAME_LENGTH), yaml }
}

/** The model's name, cut to what an outcome takes; `unknown` where a file has none: a configuration must name one. */
export function modelOrUnknown(model: string | null): string {
  return model === null ? 'unknown' : bounded(model, LENGTHS.label.max)
}

/** What Arc takes as a temperature; anything else stays where it was found, in the settings. */
function temperatureOf(value: JsonValue | undefined): number | null {
  const temperature = figureIn(value)
  return temperature !== null && temperature >= 0 && temperature <= MAX_TEMPERATURE ? temperature : null
}

/** A number that JavaScript does not have, as YAML has it. */
const EXACT_NUMBER: ScalarTag = {
  tag: 'tag:yaml.org,2002:float',
  default: true,
  identify: isExactNumber,
  resolve: exactNumber,
  stringify: ({ value }) => stringifyExactly(value),
}

const MODEL_FAMILY =
  /^(gpt|chatgpt|o\d|(text|code)-davinci|claude|sonnet|opus|haiku|gemini|gemma|((text|chat|code)-)?bison|palm|llama|codellama|vicuna|star(chat|coder)|wizard|falcon|mpt|mistral|mixtral|qwen|deepseek|grok|command|nova|phi|kimi|glm)/i

/** Whether a part of a file's name is a model's: formats without a model in the file leave nothing else to go by. */
export function isModelName(text: string): boolean {
  return MODEL_FAMILY.test(text)
}
