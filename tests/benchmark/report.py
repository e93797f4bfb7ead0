"""Lines of the report."""


def heading(text):
    return ["", text, "-" * len(text)]


def table(columns, rows):
    """Lines of a table: `columns` are names, the first column is text and flush left, None is a dash."""
    def show(value):
        if value is None:
            return "-"
        return value if isinstance(value, str) else f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"

    cells = [columns] + [[show(value) for value in row] for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(len(columns))]
    return ["  ".join(cell.ljust(width) if column == 0 else cell.rjust(width)
                      for column, (cell, width) in enumerate(zip(line, widths))).rstrip() for line in cells]


def ratio(ours, theirs):
    return f"{ours / theirs:.2f}x"


def percent(part, whole):
    return f"{100.0 * part / whole:.1f} %"


def mebibytes(size):
    return None if size is None else f"{size / (1 << 20):,.0f}"
