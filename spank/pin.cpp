// SPDX-License-Identifier: BSD-3-Clause
#include "spank/pin.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <cstdlib>

#include "core/sys/child.hpp"
#include "core/sys/file.hpp"
#include "core/sys/image_store.hpp"
#include "lading/site.hpp"

namespace lading::spank {
namespace {

constexpr std::size_t kConfigBytes = 1 << 20;
constexpr std::size_t kNameBytes = 1024;

/// Set by slurmd for whatever runs on a compute node.
bool is_on_compute_node() {
    return std::getenv("SLURMD_NODENAME") != nullptr;
}

std::string home_directory() {
    const passwd* const user = getpwuid(geteuid());
    return user != nullptr && user->pw_dir != nullptr ? user->pw_dir : "";
}

/// The digest of the first store that has the name; none where this host knows no stores.
std::string find_digest(const ImageName& name, const Arguments& arguments) {
    const auto text = sys::read_file(arguments.config, kConfigBytes);
    const auto site = text ? parse_site_config(*text, arguments.config) : Result<SiteConfig>();
    if (!site) {
        return {};  // the nodes have a configuration of their own, and say what is wrong with it
    }
    const std::string home = home_directory();
    for (const StoreConfig& configured : site->stores) {
        const auto store = sys::ImageStore::open(store_path(configured, home));
        if (!store) {
            continue;
        }
        if (const auto digest = store->digest_of(name.name, name.tag)) {
            return *digest;
        }
    }
    return {};
}

std::vector<std::string> own_environment() {
    std::vector<std::string> environment;
    for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
        environment.emplace_back(*variable);
    }
    return environment;
}

Result<ImageReference> pull(const RegistryImage& image, const Arguments& arguments) {
    const sys::Fd answer = TRY(sys::message_file());
    sys::ChildSpec spec;
    spec.program = LADING_PROGRAM;
    spec.arguments = {"--config", arguments.config, "pull", "--quiet", to_string(image)};
    spec.environment = own_environment();
    spec.output = answer.get();
    spec.error = STDERR_FILENO;
    spec.dies_with_parent = true;
    sys::Child child = TRY(sys::start_child(spec));
    const int status = TRY(child.wait());
    if (status != 0) {
        return fail(Code::system, "nothing was submitted: the image could not be pulled");
    }
    std::string name = sys::read_start(answer.get(), kNameBytes);
    name.resize(std::min(name.find('\n'), name.size()));
    return parse_image_reference(name);
}

}  // namespace

Result<ImageReference> pin_image(const ImageReference& image, const Arguments& arguments) {
    const RegistryImage* const remote = std::get_if<RegistryImage>(&image);
    if (remote != nullptr && !is_on_compute_node()) {
        return pull(*remote, arguments);
    }
    const ImageName* const local = std::get_if<ImageName>(&image);
    ImageName name;
    if (remote != nullptr) {
        name = stored_name(*remote);
    } else if (local != nullptr && local->digest.empty()) {
        name = *local;
    } else {
        return image;
    }
    name.digest = find_digest(name, arguments);
    return name.digest.empty() ? image : ImageReference(std::move(name));
}

}  // namespace lading::spank
