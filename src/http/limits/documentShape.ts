import { type DocumentNode, Kind, type SelectionSetNode } from 'graphql'
import { LIMIT_SETTINGS, type Limits } from '../../config.ts'
import { Refusal } from '../../refusal.ts'
import { assertWithin } from './assertWithin.ts'

/** What a selection set holds; fragments count as often as they are used. */
interface Shape {
  /** Fields inside one another. */
  depth: number
  /** Selections of the set itself, and of the widest one in it. */
  width: number
  breadth: number
  aliases: number
  directives: number
}

const EMPTY: Shape = { depth: 0, width: 0, breadth: 0, aliases: 0, directives: 0 }

/** Each token may have a line of its own, and texts several of them. */
const LINES_PER_TOKEN = 10

/**
 * Blank lines are no tokens, and compressed they are nothing. Looked at before the document is read: the place of a
 * syntax error is found line by line.
 *
 * @throws Refusal LIMIT_EXCEEDED
 */
export function checkLines(query: string, { tokens }: Limits): void {
  const max = tokens * LINES_PER_TOKEN
  let lines = 0
  for (const ending of ['\n', '\r'])
    for (let at = query.indexOf(ending); at >= 0 && lines <= max; at = query.indexOf(ending, at + 1)) lines++
  if (lines > max)
    throw new Refusal(
      'LIMIT_EXCEEDED',
      `The document has more than ${max} lines, ${LINES_PER_TOKEN} for each token that it may have (${LIMIT_SETTINGS.tokens[0]}).`,
    )
}

/**
 * Holds the document against its limits: depth, breadth, aliases and directives. Looked at before the
 * rules of GraphQL, some of which take time by the square of what they are given. Each fragment is measured once: those
 * that use each other twice over would otherwise take time without end, as would those in a circle.
 *
 * @throws Refusal LIMIT_EXCEEDED
 */
export function checkShape(document: DocumentNode, limits: Limits): void {
  const fragments = new Map(
    document.definitions.flatMap((node) =>
      node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node] as const] : [],
    ),
  )
  const measured = new Map<string, Shape>()

  function shapeOf(set: SelectionSetNode): Shape {
    const shape = { ...EMPTY }
    for (const selection of set.selections) {
      shape.width += 1
      shape.directives += selection.directives?.length ?? 0
      if (selection.kind === Kind.FIELD) {
        if (selection.alias) shape.aliases += 1
        const inner = selection.selectionSet ? shapeOf(selection.selectionSet) : EMPTY
        shape.depth = Math.max(shape.depth, inner.depth + 1)
        add(shape, inner)
      } else {
        const inner =
          selection.kind === Kind.INLINE_FRAGMENT
            ? shapeOf(selection.selectionSet)
            : shapeOfFragment(selection.name.value)
        shape.depth = Math.max(shape.depth, inner.depth)
        shape.width += inner.width
        add(shape, inner)
      }
    }
    shape.breadth = Math.max(shape.breadth, shape.width)
    return shape
  }

  function shapeOfFragment(name: string): Shape {
    const known = measured.get(name)
    if (known) return known
    // Until it is known: a circle ends here, and the rules of GraphQL refuse it later.
    measured.set(name, EMPTY)
    const fragment = fragments.get(name)
    if (!fragment) return EMPTY
    const shape = shapeOf(fragment.selectionSet)
    shape.directives += fragment.directives?.length ?? 0
    measured.set(name, shape)
    return shape
  }

  for (const definition of document.definitions) {
    if (!('selectionSet' in definition) || !definition.selectionSet) continue
    const shape = shapeOf(definition.selectionSet)
    shape.directives += definition.directives?.length ?? 0
    assertWithin(limits, 'depth', shape.depth, 'The document is nested', 'levels deep')
    assertWithin(limits, 'breadth', shape.breadth, 'One selection set has', 'fields')
    assertWithin(limits, 'aliases', shape.aliases, 'The document has', 'aliases')
    assertWithin(limits, 'directives', shape.directives, 'The document has', 'directives')
  }
}

function add(shape: Shape, inner: Shape): void {
  shape.breadth = Math.max(shape.breadth, inner.breadth)
  shape.aliases += inner.aliases
  shape.directives += inner.directives
}
