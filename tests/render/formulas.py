"""Random formulas, what they are worth, and a reader of printed ones that shares no code with the printers."""

import re

import numpy as np
from hypothesis import strategies as st

from dagprop.explain.formula import Apply, Name, Number, Product, Reused, Sum, Value, fold

NAMES = {"x": r"x", "w1": r"w_{1}", "y_hat": r"\hat{y}", "hidden/f": r"f_{\text{hidden}}", "rate": r"\mathit{rate}"}
"""Ids of nodes, and how they are written in LaTeX."""

UNARY = {
    "negative": np.negative,
    "exp": np.exp,
    "tanh": np.tanh,
    "abs": np.abs,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "square_root": np.sqrt,
    "sqrt": np.sqrt,
    "floor": np.floor,
}
BINARY = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "pow": np.power,
    "maximum": np.maximum,
}
COMPARED = {"less": np.less, "less_equal": np.less_equal, "greater": np.greater, "not_equal": np.not_equal}
TRUTHS = {"logical_and": np.logical_and, "logical_or": np.logical_or}

DIGITS = st.sampled_from([1.0, 2.0, 0.5, 3.25, -1.5, 1.5e-5, -2e-7])


def applied(function, *operands):
    shape = max((operand.shape for operand in operands), key=len)
    return Apply(function, operands, (), shape)


def conditions(inner):
    compared = st.builds(applied, st.sampled_from(sorted(COMPARED)), inner, inner)
    both = st.builds(applied, st.sampled_from(sorted(TRUTHS)), compared, compared)
    return st.one_of(compared, both, st.builds(applied, st.just("logical_not"), compared))


def grown(inner):
    several = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        st.builds(applied, st.sampled_from(sorted(UNARY)), inner),
        st.builds(applied, st.sampled_from(sorted(BINARY)), inner, inner),
        st.builds(applied, st.just("where"), conditions(inner), inner, inner),
        several.map(Product),
        several.map(Sum),
        inner.map(Reused),
    )


def leaves(shape):
    names = st.sampled_from(sorted(NAMES)).map(lambda name: Name(name, shape))
    return st.one_of(names, DIGITS.map(Number), DIGITS.map(lambda number: Value(np.asarray(number))))


NUMBERS = st.recursive(leaves(()), grown, max_leaves=12)
"""Formulas of single numbers."""


def grown_matrices(inner):
    same = ("add", "subtract", "multiply", "matmul")
    return st.one_of(
        st.builds(applied, st.sampled_from(same), inner, inner),
        st.builds(applied, st.sampled_from(["multiply", "add"]), DIGITS.map(Number), inner),
        inner.map(lambda part: Apply("negative", (part,), (), (2, 2))),
        inner.map(lambda part: Apply("permute_dims", (part,), ((1, 0),), (2, 2))),
        inner.map(lambda part: Apply("pow", (part, Number(2.0)), (), (2, 2))),
        st.tuples(inner, inner).map(lambda parts: Product(parts, (2, 2))),
        st.tuples(inner, DIGITS.map(Number), inner).map(lambda parts: Product(parts, (2, 2))),
        st.tuples(inner, inner).map(lambda parts: Sum(parts, (2, 2))),
    )


MATRICES = st.recursive(
    st.sampled_from(sorted(NAMES)).map(lambda name: Name(name, (2, 2))), grown_matrices, max_leaves=8
)
"""Formulas of matrices of two rows and columns."""


def worth(formula, values):
    """Return the value of a formula."""

    def combine(part, inner):
        match part:
            case Name(reference):
                return np.asarray(values[reference])
            case Number(value):
                return np.float64(value)
            case Value(array):
                return array
            case Product():
                result = inner[0]
                for factor in inner[1:]:
                    result = result * factor
                return result
            case Sum():
                return sum(inner[1:], inner[0])
            case Reused():
                return inner[0]
            case Apply("where"):
                return np.where(*inner)
            case Apply("logical_not"):
                return ~inner[0]
            case Apply("matmul"):
                return inner[0] @ inner[1]
            case Apply("permute_dims"):
                return inner[0].T
        return {**UNARY, **BINARY, **COMPARED, **TRUTHS}[part.function](*inner)

    with np.errstate(all="ignore"):
        return fold(formula, combine)


# Reading.

FUNCTIONS = {"σ": UNARY["sigmoid"], "max": np.maximum, **UNARY}
TEXT_TOKEN = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?|[A-Za-z_][A-Za-z0-9_/]*|\S")
LATEX_TOKEN = re.compile(r"\d+(?:\.\d+)?|\\begin\{\w+\}|\\end\{\w+\}|\\text\{[^}]*\}|\\[A-Za-z]+|\\\\|\S")
LATEX_SIGNS = {
    **{r"\cdot": "·", r"\times": "·", r"\odot": "⊙", r"\sigma": "σ", r"\tanh": "tanh", r"\max": "max"},
    **{r"\leq": "≤", r"\geq": "≥", r"\neq": "≠", r"\land": "and", r"\lor": "or", r"\lnot": "not"},
    **{r"\text{if }": "if", r"\text{otherwise}": "", r"\text{square\_root}": "square_root", r"\\": "else", "&": ""},
    **{r"\left": "", r"\right": "", r"\begin{cases}": "(", r"\end{cases}": ")"},
    **{r"\lvert": "abs (", r"\rvert": ")", r"\lfloor": "floor (", r"\rfloor": ")", r"\underbrace": ""},
}


def read_text(text, values):
    """Return the value of a formula that was printed as text."""
    return Reader(TEXT_TOKEN.findall(text), values).all()


def read_latex(latex, values):
    """Return the value of a formula that was printed as LaTeX."""
    letters = dict(zip(NAMES, "xABCD", strict=True))
    for id, letter in letters.items():
        latex = latex.replace(NAMES[id], letter)
    tokens = LATEX_TOKEN.findall(latex.replace(r"_{\text{already computed}}", ""))
    signs = spelled(iter(tokens), None)
    return Reader(signs, {letters[id]: value for id, value in values.items()}).all()


def spelled(tokens, end):
    """Return tokens of LaTeX as those of text, up to an end; braces become brackets only where they group visibly."""
    found = []
    for token in tokens:
        if token == end:
            return found
        if token == r"\frac":
            assert next(tokens) == "{"
            top = spelled(tokens, "}")
            assert next(tokens) == "{"
            found += ["(", "(", *top, ")", "/", "(", *spelled(tokens, "}"), ")", ")"]
        elif token == r"\sqrt":
            assert next(tokens) == "{"
            found += ["sqrt", "(", *spelled(tokens, "}"), ")"]
        elif token == "^":
            assert next(tokens) == "{"
            inside = spelled(tokens, "}")
            found += ["ᵀ"] if inside == [r"\top"] else ["^", "(", *inside, ")"]
        elif token == "{":
            found += spelled(tokens, "}")
        else:
            found += LATEX_SIGNS.get(token, token).split()
    assert end is None
    return found


class Reader:
    """Reads by the usual precedence: powers, products from the left, sums from the left, comparisons, choices."""

    def __init__(self, tokens, values):
        self.tokens, self.values = [*tokens, ""], values

    def all(self):
        with np.errstate(all="ignore"):
            value = self.choice()
        assert self.tokens == [""], self.tokens
        return value

    def took(self, *signs):
        return self.tokens.pop(0) if self.tokens[0] in signs else None

    def choice(self):
        value = self.truth()
        if self.took("if"):
            condition = self.truth()
            assert self.took("else")
            return np.where(condition, value, self.choice())
        return value

    def truth(self):
        value = self.compared()
        while sign := self.took("and", "or"):
            other = self.compared()
            value = value & other if sign == "and" else value | other
        return value

    def compared(self):
        if self.took("not"):
            return ~self.compared()
        value = self.sum()
        if sign := self.took("<", ">", "≤", "≥", "≠"):
            other = self.sum()
            rules = {"<": np.less, ">": np.greater, "≤": np.less_equal, "≥": np.greater_equal, "≠": np.not_equal}
            return rules[sign](value, other)
        return value

    def sum(self):
        value = self.product()
        while sign := self.took("+", "-"):
            other = self.product()
            value = value + other if sign == "+" else value - other
        return value

    def product(self):
        if self.took("-"):
            return -self.product()
        value = self.power()
        while True:
            if self.took("·"):
                other = self.factor()
                value = value @ other if np.ndim(value) == 2 and np.ndim(other) == 2 else value * other
            elif self.took("⊙"):
                value = value * self.factor()
            elif self.took("/"):
                value = value / self.factor()
            elif self.tokens[0] == "(":
                value = value * self.power()
            else:
                return value

    def factor(self):
        return -self.factor() if self.took("-") else self.power()

    def power(self):
        value = self.atom()
        while self.took("ᵀ"):
            value = value.T
        if self.took("^"):
            value = np.power(value, self.factor())
        assert self.tokens[0] not in ("^", "ᵀ")
        return value

    def atom(self):
        token = self.tokens.pop(0)
        if token in ("(", "["):
            value = self.choice()
            assert self.took({"(": ")", "[": "]"}[token])
            return value
        if token in FUNCTIONS or (token == "exp" and self.tokens[0] == "("):
            assert self.took("(")
            operands = [self.choice()]
            while self.took(","):
                operands.append(self.choice())
            assert self.took(")")
            return FUNCTIONS[token](*operands)
        if token in self.values:
            return np.asarray(self.values[token])
        return np.float64(np.e if token == "e" else token)
