#include "tests/worker/support/plain_decoder.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"

namespace headscope::worker {
namespace {

using Row = std::vector<double>;
using Rows = std::vector<Row>;  // [positions][columns]

// What differs between the families, read afresh from config.json.
struct Shape {
  bool gpt2 = false, gemma2 = false;
  std::int64_t layers = 0, heads = 0, kv_heads = 0, head_dim = 0, width = 0;
  double epsilon = 0;
};

double Number(const nlohmann::json& config, const std::string& key, double fallback) {
  return config.contains(key) && !config[key].is_null() ? config[key].get<double>() : fallback;
}

class Plain {
 public:
  Plain(const nlohmann::json& config, const TestTensors& tensors) : config_(config), tensors_(tensors) {
    shape_.gpt2 = config.at("model_type") == "gpt2";
    shape_.gemma2 = config.at("model_type") == "gemma2";
    const bool gpt2 = shape_.gpt2;
    shape_.layers = config.at(gpt2 ? "n_layer" : "num_hidden_layers");
    shape_.heads = config.at(gpt2 ? "n_head" : "num_attention_heads");
    shape_.width = config.at(gpt2 ? "n_embd" : "hidden_size");
    shape_.kv_heads =
        gpt2 ? shape_.heads : static_cast<std::int64_t>(Number(config, "num_key_value_heads", shape_.heads));
    shape_.head_dim = static_cast<std::int64_t>(Number(config, "head_dim", shape_.width / shape_.heads));
    shape_.epsilon = gpt2 ? Number(config, "layer_norm_epsilon", 1e-5) : Number(config, "rms_norm_eps", 1e-6);
  }

  double Objective(const std::vector<std::int32_t>& ids, std::int64_t prompt, const PlainGates& gates) {
    Rows x = Embed(ids);
    for (std::int64_t layer = 0; layer < shape_.layers; ++layer) x = Block(layer, x, gates[layer]);
    x = Norm(shape_.gpt2 ? "transformer.ln_f" : "model.norm", x);
    const bool tied = config_.value("tie_word_embeddings", !(config_.at("model_type") == "llama"));
    const Rows head = Matrix(tied ? EmbeddingName() : "lm_head.weight");
    double sum = 0;
    std::int64_t count = 0;
    for (std::size_t token = std::max<std::int64_t>(prompt, 1); token < ids.size(); ++token, ++count) {
      sum -= LogProbability(head, x[token - 1], ids[token]);
    }
    return sum / static_cast<double>(count);
  }

 private:
  std::string EmbeddingName() const { return shape_.gpt2 ? "transformer.wte.weight" : "model.embed_tokens.weight"; }
  Row Vector(const std::string& name) const { return tensors_.at(name).Values(); }
  Rows Matrix(const std::string& name) const {
    const TestTensor& tensor = tensors_.at(name);
    const Row values = tensor.Values();
    Rows rows;
    for (std::int64_t row = 0; row < tensor.shape[0]; ++row) {
      rows.emplace_back(values.begin() + row * tensor.shape[1], values.begin() + (row + 1) * tensor.shape[1]);
    }
    return rows;
  }

  double LogProbability(const Rows& head, const Row& x, std::int32_t target) const {
    const bool capped =
        shape_.gemma2 && !(config_.contains("final_logit_softcapping") && config_["final_logit_softcapping"].is_null());
    const double cap = Number(config_, "final_logit_softcapping", 30.0);
    double largest = -INFINITY, total = 0;
    Row logits;
    for (const Row& row : head) {
      double logit = 0;
      for (std::size_t i = 0; i < row.size(); ++i) logit += row[i] * x[i];
      logits.push_back(capped ? cap * std::tanh(logit / cap) : logit);
      largest = std::max(largest, logits.back());
    }
    for (const double logit : logits) total += std::exp(logit - largest);
    return logits[target] - largest - std::log(total);
  }

  Rows Embed(const std::vector<std::int32_t>& ids) const {
    const Rows table = Matrix(EmbeddingName());
    const Rows positions = shape_.gpt2 ? Matrix("transformer.wpe.weight") : Rows();
    Rows x;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      x.push_back(table[ids[i]]);
      for (std::int64_t column = 0; column < shape_.width; ++column) {
        if (shape_.gpt2) x[i][column] += positions[i][column];
        if (shape_.gemma2) x[i][column] *= std::sqrt(static_cast<double>(shape_.width));
      }
    }
    return x;
  }

  Rows Norm(const std::string& name, Rows x) const {
    const Row weight = Vector(name + ".weight");
    const Row bias = shape_.gpt2 ? Vector(name + ".bias") : Row(weight.size(), 0.0);
    for (Row& row : x) {
      double mean = 0, squares = 0;
      if (shape_.gpt2) {
        for (const double value : row) mean += value / static_cast<double>(row.size());
      }
      for (const double value : row) squares += (value - mean) * (value - mean) / static_cast<double>(row.size());
      for (std::size_t i = 0; i < row.size(); ++i) {
        row[i] =
            (row[i] - mean) / std::sqrt(squares + shape_.epsilon) * (weight[i] + (shape_.gemma2 ? 1.0 : 0.0)) + bias[i];
      }
    }
    return x;
  }

  // Stored [out, in], or for GPT-2 [in, out]; a bias where the file has one.
  Rows Linear(const std::string& name, const Rows& x) const {
    const Rows weight = Matrix(name + ".weight");
    const std::size_t out = shape_.gpt2 ? weight[0].size() : weight.size();
    const Row bias = tensors_.contains(name + ".bias") ? Vector(name + ".bias") : Row(out, 0.0);
    Rows y(x.size(), bias);
    for (std::size_t row = 0; row < x.size(); ++row) {
      for (std::size_t o = 0; o < out; ++o) {
        for (std::size_t i = 0; i < x[row].size(); ++i)
          y[row][o] += x[row][i] * (shape_.gpt2 ? weight[i][o] : weight[o][i]);
      }
    }
    return y;
  }

  static Rows Columns(const Rows& x, std::int64_t begin, std::int64_t count) {
    Rows part;
    for (const Row& row : x) part.emplace_back(row.begin() + begin, row.begin() + begin + count);
    return part;
  }

  static Rows Sum(Rows x, const Rows& y) {
    for (std::size_t row = 0; row < x.size(); ++row) {
      for (std::size_t i = 0; i < x[row].size(); ++i) x[row][i] += y[row][i];
    }
    return x;
  }

  // The frequency of column pair `pair` after scaling. Angles are float32 products, as everywhere.
  float Frequency(std::int64_t pair) const {
    const auto& raw = config_.contains("rope_parameters") ? config_["rope_parameters"]
                      : config_.contains("rope_scaling")  ? config_["rope_scaling"]
                                                          : nlohmann::json();
    const nlohmann::json scaling = raw.is_object() ? raw : nlohmann::json::object();
    const double theta =
        scaling.contains("rope_theta") ? scaling["rope_theta"].get<double>() : Number(config_, "rope_theta", 10000.0);
    double inverse = std::pow(theta, -2.0 * static_cast<double>(pair) / static_cast<double>(shape_.head_dim));
    const std::string kind = scaling.value("rope_type", scaling.value("type", std::string("default")));
    if (kind == "linear") inverse /= scaling["factor"].get<double>();
    if (kind == "llama3") {
      const double factor = scaling["factor"], low = scaling["low_freq_factor"], high = scaling["high_freq_factor"];
      const double original = scaling["original_max_position_embeddings"];
      const double wavelength = 2 * M_PI / inverse;
      const double smooth = std::clamp((original / wavelength - low) / (high - low), 0.0, 1.0);
      inverse = inverse * ((1 - smooth) / factor + smooth);
    }
    return static_cast<float>(inverse);
  }

  void Rotate(Rows* x, std::int64_t head) const {
    if (shape_.gpt2) return;
    const std::int64_t half = shape_.head_dim / 2;
    for (std::size_t position = 0; position < x->size(); ++position) {
      for (std::int64_t pair = 0; pair < half; ++pair) {
        const double angle = static_cast<float>(position) * Frequency(pair);
        double& a = (*x)[position][head * shape_.head_dim + pair];
        double& b = (*x)[position][head * shape_.head_dim + half + pair];
        const double first = a * std::cos(angle) - b * std::sin(angle);
        b = b * std::cos(angle) + a * std::sin(angle);
        a = first;
      }
    }
  }

  double Scale(std::int64_t layer) const {
    if (shape_.gemma2) return 1 / std::sqrt(Number(config_, "query_pre_attn_scalar", 256));
    double scale = 1 / std::sqrt(static_cast<double>(shape_.head_dim));
    if (!shape_.gpt2) return scale;
    if (!config_.value("scale_attn_weights", true)) scale = 1;
    return config_.value("scale_attn_by_inverse_layer_idx", false) ? scale / static_cast<double>(layer + 1) : scale;
  }

  // Keys a query of this layer sees, itself included.
  std::int64_t Window(std::int64_t layer) const {
    constexpr std::int64_t kAll = 1 << 30;
    if (!shape_.gemma2 || (config_.contains("sliding_window") && config_["sliding_window"].is_null())) return kAll;
    const bool sliding = config_.contains("layer_types") && config_["layer_types"].is_array()
                             ? config_["layer_types"][layer] == "sliding_attention"
                             : layer % 2 == 0;
    return sliding ? static_cast<std::int64_t>(Number(config_, "sliding_window", 4096)) : kAll;
  }

  double Capped(double score) const {
    if (!shape_.gemma2) return score;
    if (config_.contains("attn_logit_softcapping") && config_["attn_logit_softcapping"].is_null()) return score;
    const double cap = Number(config_, "attn_logit_softcapping", 50.0);
    return cap * std::tanh(score / cap);
  }

  Rows Attention(std::int64_t layer, const Rows& x, const std::vector<double>& gates) const {
    const std::int64_t d = shape_.head_dim, h = shape_.heads, g = shape_.kv_heads;
    const std::string at = shape_.gpt2 ? absl::StrCat("transformer.h.", layer, ".attn.")
                                       : absl::StrCat("model.layers.", layer, ".self_attn.");
    const Rows fused = shape_.gpt2 ? Linear(at + "c_attn", x) : Rows();
    Rows q = shape_.gpt2 ? Columns(fused, 0, h * d) : Linear(at + "q_proj", x);
    Rows k = shape_.gpt2 ? Columns(fused, h * d, h * d) : Linear(at + "k_proj", x);
    const Rows v = shape_.gpt2 ? Columns(fused, 2 * h * d, h * d) : Linear(at + "v_proj", x);
    for (std::int64_t head = 0; head < h; ++head) Rotate(&q, head);
    for (std::int64_t head = 0; head < g; ++head) Rotate(&k, head);
    Rows z(x.size(), Row(h * d, 0.0));
    for (std::int64_t head = 0; head < h; ++head) {
      const std::int64_t kv = head / (h / g);
      for (std::int64_t query = 0; query < static_cast<std::int64_t>(x.size()); ++query) {
        const std::int64_t first = std::max<std::int64_t>(0, query - Window(layer) + 1);
        Row weight;
        double total = 0;
        for (std::int64_t key = first; key <= query; ++key) {
          double score = 0;
          for (std::int64_t i = 0; i < d; ++i) score += q[query][head * d + i] * k[key][kv * d + i];
          weight.push_back(std::exp(Capped(score * Scale(layer))));
          total += weight.back();
        }
        for (std::int64_t key = first; key <= query; ++key) {
          for (std::int64_t i = 0; i < d; ++i) {
            z[query][head * d + i] += gates[head] * weight[key - first] / total * v[key][kv * d + i];
          }
        }
      }
    }
    return Linear(at + (shape_.gpt2 ? "c_proj" : "o_proj"), z);
  }

  double Activate(double x) const {
    const std::string name = shape_.gpt2     ? config_.value("activation_function", std::string("gelu_new"))
                             : shape_.gemma2 ? std::string("gelu_pytorch_tanh")
                                             : config_.value("hidden_act", std::string("silu"));
    if (name == "silu") return x / (1 + std::exp(-x));
    if (name == "relu") return std::max(x, 0.0);
    if (name == "gelu") return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
  }

  Rows Mlp(std::int64_t layer, const Rows& x) const {
    const std::string at =
        shape_.gpt2 ? absl::StrCat("transformer.h.", layer, ".mlp.") : absl::StrCat("model.layers.", layer, ".mlp.");
    Rows inner = Linear(at + (shape_.gpt2 ? "c_fc" : "gate_proj"), x);
    const Rows up = shape_.gpt2 ? Rows() : Linear(at + "up_proj", x);
    for (std::size_t row = 0; row < inner.size(); ++row) {
      for (std::size_t i = 0; i < inner[row].size(); ++i) {
        inner[row][i] = Activate(inner[row][i]) * (shape_.gpt2 ? 1.0 : up[row][i]);
      }
    }
    return Linear(at + (shape_.gpt2 ? "c_proj" : "down_proj"), inner);
  }

  Rows Block(std::int64_t layer, const Rows& x, const std::vector<double>& gates) const {
    const std::string at =
        shape_.gpt2 ? absl::StrCat("transformer.h.", layer, ".") : absl::StrCat("model.layers.", layer, ".");
    if (shape_.gemma2) {
      const Rows y =
          Sum(x, Norm(at + "post_attention_layernorm", Attention(layer, Norm(at + "input_layernorm", x), gates)));
      return Sum(y, Norm(at + "post_feedforward_layernorm", Mlp(layer, Norm(at + "pre_feedforward_layernorm", y))));
    }
    const Rows y = Sum(x, Attention(layer, Norm(at + (shape_.gpt2 ? "ln_1" : "input_layernorm"), x), gates));
    return Sum(y, Mlp(layer, Norm(at + (shape_.gpt2 ? "ln_2" : "post_attention_layernorm"), y)));
  }

  const nlohmann::json& config_;
  const TestTensors& tensors_;
  Shape shape_;
};

}  // namespace

double PlainObjective(const nlohmann::json& config, const TestTensors& tensors, const std::vector<std::int32_t>& ids,
                      std::int64_t prompt_tokens, const PlainGates& gates) {
  return Plain(config, tensors).Objective(ids, prompt_tokens, gates);
}

}  // namespace headscope::worker
