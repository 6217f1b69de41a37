/** The available width, and whether colours are on. */
export interface Style {
  /** Width of the terminal, columns; `null`: a pipe, where nothing is cut. */
  readonly room: number | null;
  readonly color: boolean;
}
