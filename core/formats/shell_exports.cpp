// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/shell_exports.hpp"

#include <optional>

#include "core/formats/environment_names.hpp"

namespace lading::formats {
namespace {

using Variables = std::map<std::string, std::string>;

/// As many as defaults are nested by Apptainer, and then some.
constexpr unsigned kMaxDepth = 4;

/// What an exec can carry, of one variable and of all: `A=$A$A` doubles with each line.
constexpr std::size_t kMaxValueBytes = 128U << 10;
constexpr std::size_t kMaxTotalBytes = 1U << 20;

/// The shell acts on these where they are not quoted.
constexpr std::string_view kSpecial = "\t `$\"'\\#;&|<>()*?[]{}~!";

/// One shell word, taken off the front of a text.
class Word {
  public:
    Word(std::string_view text, const Variables& variables) : rest_(text), variables_(variables) {}

    /// Nothing for a word that only a shell can expand.
    std::optional<std::string> take() { return take(false, 0); }
    std::string_view rest() const { return rest_; }

  private:
    bool next_is(std::string_view text) const { return rest_.starts_with(text); }

    char pop() {
        const char c = rest_.front();
        rest_.remove_prefix(1);
        return c;
    }

    /// To the closing quote, or where `inner` is set to the brace that ends a default.
    std::optional<std::string> take(bool inner, unsigned depth) {
        std::string word;
        while (!rest_.empty() && !(inner && next_is("}"))) {
            std::optional<std::string> part;
            if (next_is("\"")) {
                pop();
                part = take_quoted(depth);
            } else if (next_is("'")) {
                part = take_literal();
            } else if (next_is("$")) {
                part = take_variable(depth);
            } else if (kSpecial.find(rest_.front()) == std::string_view::npos) {
                part = std::string(1, pop());
            } else if (!inner && (next_is(" ") || next_is("\t"))) {
                return word;
            }
            if (!part || word.size() > kMaxValueBytes) {
                return std::nullopt;
            }
            word += *part;
        }
        return word;
    }

    std::optional<std::string> take_quoted(unsigned depth) {
        std::string text;
        while (!rest_.empty()) {
            if (next_is("$")) {
                const auto value = take_variable(depth);
                if (!value || text.size() > kMaxValueBytes) {
                    return std::nullopt;
                }
                text += *value;
                continue;
            }
            const char c = pop();
            if (c == '"') {
                return text;
            }
            if (c == '`') {
                return std::nullopt;
            }
            const bool escape =
                c == '\\' && !rest_.empty() &&
                std::string_view("$`\"\\").find(rest_.front()) != std::string_view::npos;
            text += escape ? pop() : c;
        }
        return std::nullopt;
    }

    std::optional<std::string> take_literal() {
        const std::size_t end = rest_.find('\'', 1);
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        std::string text(rest_.substr(1, end - 1));
        rest_.remove_prefix(end + 1);
        return text;
    }

    /// `$NAME`, `${NAME}`, `${NAME:-word}`.
    std::optional<std::string> take_variable(unsigned depth) {
        pop();
        const bool braces = next_is("{");
        if (braces) {
            pop();
        }
        std::size_t length = 0;
        while (length < rest_.size() && is_environment_name(rest_.substr(0, length + 1))) {
            ++length;
        }
        const std::string name(rest_.substr(0, length));
        rest_.remove_prefix(length);
        const auto found = variables_.find(name);
        std::optional<std::string> value;
        if (found != variables_.end()) {
            value = found->second;
        }
        if (braces && next_is(":-") && depth < kMaxDepth) {
            rest_.remove_prefix(2);
            const auto fallback = take(true, depth + 1);
            if (!value || value->empty()) {
                value = fallback;
            }
        }
        if (braces && (rest_.empty() || pop() != '}')) {
            return std::nullopt;
        }
        return name.empty() ? std::nullopt : value;
    }

    std::string_view rest_;
    const Variables& variables_;
};

std::string_view without_blanks(std::string_view line) {
    const std::size_t start = line.find_first_not_of(" \t");
    return start == std::string_view::npos ? std::string_view() : line.substr(start);
}

/// Did the line say nothing, or one assignment within what is `left`?
bool read_line(std::string_view line, Variables& variables, std::size_t& left) {
    line = without_blanks(line);
    if (line.empty() || line.starts_with('#')) {
        return true;
    }
    if (line.starts_with("export ")) {
        line = without_blanks(line.substr(7));
    }
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || !is_environment_name(line.substr(0, equals))) {
        // `export NAME` of what was assigned before.
        return is_environment_name(line) && variables.contains(std::string(line));
    }
    Word word(line.substr(equals + 1), variables);
    auto value = word.take();
    const std::string_view rest = without_blanks(word.rest());
    if (!value || value->size() > left || (!rest.empty() && !rest.starts_with('#'))) {
        return false;
    }
    left -= value->size();
    variables.insert_or_assign(std::string(line.substr(0, equals)), std::move(*value));
    return true;
}

}  // namespace

void add_shell_exports(std::string_view script, Variables& variables) {
    std::size_t left = kMaxTotalBytes;
    while (!script.empty()) {
        const std::size_t end = script.find('\n');
        if (!read_line(script.substr(0, end), variables, left)) {
            return;
        }
        script.remove_prefix(end == std::string_view::npos ? script.size() : end + 1);
    }
}

}  // namespace lading::formats
