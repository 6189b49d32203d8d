/** A node of a plan as EXPLAIN (FORMAT JSON) has it; what is left out is not looked at. */
interface PlanNode {
  'Node Type': string
  'Custom Plan Provider'?: string
  'Relation Name'?: string
  'Function Name'?: string
  'CTE Name'?: string
  'Index Name'?: string
  'Join Type'?: string
  Strategy?: string
  'Parent Relationship'?: string
  Plans?: PlanNode[]
}

/**
 * What a plan does, one line a node: neither costs nor conditions, which the statement has. Of the parts of a table, whose number
 * the date decides, one stands for all: as most of them are read, and how many are read otherwise, at the edges, is left out.
 */
export function planShape(plan: PlanNode): string {
  return linesOf(plan).join('\n')
}

function linesOf(node: PlanNode): string[] {
  const parts = (node.Plans ?? []).map((part) => ({ part, lines: linesOf(part) }))
  const isOneOfMany = ({ part }: { part: PlanNode }) =>
    typeOf(node).endsWith('Append') && !/Plan$/.test(part['Parent Relationship'] ?? '')
  const members = parts.filter(isOneOfMany).map(({ lines }) => lines)
  const others = parts.filter((part) => !isOneOfMany(part)).map(({ lines }) => lines)
  const shown = members.length > 2 ? [...others, most(members)] : [...others, ...members]
  return [nameOf(node), ...shown.flat().map((line) => `  ${line}`)]
}

function most(members: string[][]): string[] {
  const counts = new Map<string, number>()
  for (const lines of members) {
    const shape = lines.join('\n')
    counts.set(shape, (counts.get(shape) ?? 0) + 1)
  }
  const [[shape]] = [...counts].sort(([, one], [, other]) => other - one) as [[string, number]]
  return shape.split('\n')
}

function typeOf(node: PlanNode): string {
  return node['Custom Plan Provider'] ?? node['Node Type']
}

function nameOf(node: PlanNode): string {
  const type = typeOf(node)
  const strategy = node.Strategy && node.Strategy !== 'Plain' ? ` (${node.Strategy.toLowerCase()})` : ''
  const join =
    node['Join Type'] && node['Join Type'] !== 'Inner' ? ` (${node['Join Type'].toLowerCase()})` : ''
  const by = node['Index Name'] ? ` by ${withoutPart(node['Index Name'])}` : ''
  const of = node['Relation Name'] ?? node['Function Name'] ?? node['CTE Name']
  const rows = of ? ` of ${withoutPart(of)}` : ''
  const parent = node['Parent Relationship']
  const role = parent === 'SubPlan' || parent === 'InitPlan' ? `${parent}: ` : ''
  return `${role}${type}${strategy}${join}${by}${rows}`
}

/** `_hyper_1_12_chunk_outcomes_time` is `outcomes_time`, `outcomes_2026_03_simulation_id_idx` is one of outcomes. */
function withoutPart(name: string): string {
  return name
    .replace(/^(?:_hyper_\d+_\d+_chunk_|\d+_\d+_(?=outcomes))/, '')
    .replace(/^_hyper_\d+_\d+_chunk$/, 'a chunk')
    .replace(
      /^outcomes_(?:\d{4}_?\d{2}|default)(_.*)?$/,
      (_, rest: string | undefined) => `outcomes part${rest ?? ''}`,
    )
}
