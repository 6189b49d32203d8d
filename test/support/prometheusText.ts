/** By name and labels, as they stand there. */
export type Figures = ReadonlyMap<string, number>

/** The figures of a page in Prometheus' text format; what is neither a comment nor a figure is an error. */
export async function figuresAt(url: string): Promise<Figures> {
  const text = await (await fetch(url)).text()
  const figures = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const [, name, value] = /^([a-zA-Z_:][\w:]*(?:\{.*\})?) (\S+)$/.exec(line) ?? []
    const isNothing = /^nan$/i.test(value ?? '')
    if (name === undefined || (Number.isNaN(Number(value)) && !isNothing))
      throw new Error(`no figure: ${line}`)
    figures.set(name, Number(value))
  }
  return figures
}
